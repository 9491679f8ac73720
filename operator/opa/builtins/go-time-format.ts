import { layoutChunks, months, weekdays } from "./go-time-layout.ts";
import { utcNs, type ZonedTime } from "./zoned-time.ts";

/** As Go's Time.Format. Throws for zone abbreviations other than UTC's: there is no table of them. */
export function formatTime(time: ZonedTime, layout: string): string {
  return layoutChunks(layout)
    .map(({ prefix, std }) => prefix + (std === "" ? "" : formatStd(time, std)))
    .join("");
}

const two = (value: number) => String(value).padStart(2, "0");

function formatStd(time: ZonedTime, std: string): string {
  const hour12 = time.hour % 12 === 0 ? 12 : time.hour % 12;
  switch (std) {
    case "2006":
      return String(time.year).padStart(4, "0");
    case "06":
      return two(time.year % 100);
    case "January":
      return months[time.month - 1]!;
    case "Jan":
      return months[time.month - 1]!.slice(0, 3);
    case "01":
      return two(time.month);
    case "1":
      return String(time.month);
    case "Monday":
      return weekdays[time.weekday]!;
    case "Mon":
      return weekdays[time.weekday]!.slice(0, 3);
    case "02":
      return two(time.day);
    case "_2":
      return String(time.day).padStart(2);
    case "2":
      return String(time.day);
    case "002":
      return String(dayOfYear(time)).padStart(3, "0");
    case "__2":
      return String(dayOfYear(time)).padStart(3);
    case "15":
      return two(time.hour);
    case "03":
      return two(hour12);
    case "3":
      return String(hour12);
    case "04":
      return two(time.minute);
    case "4":
      return String(time.minute);
    case "05":
      return two(time.second);
    case "5":
      return String(time.second);
    case "PM":
      return time.hour >= 12 ? "PM" : "AM";
    case "pm":
      return time.hour >= 12 ? "pm" : "am";
    case "MST":
      if (time.zone === "UTC") return "UTC";
      throw new Error(`the abbreviation of zone ${time.zone} is not known; use -0700`);
    default:
      return /^[.,]/.test(std) ? fractionOf(time, std) : offsetOf(time, std);
  }
}

function fractionOf(time: ZonedTime, std: string): string {
  const all = String(time.nanosecond)
    .padStart(9, "0")
    .slice(0, std.length - 1);
  const digits = all.padEnd(0);
  if (std[1] === "0") return std[0] + digits;
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? "" : std[0] + kept;
}

function offsetOf({ offset }: ZonedTime, std: string): string {
  if (std.startsWith("Z") && offset === 0) return "Z";
  const all = Math.abs(offset);
  const parts = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60].map(two);
  const count =
    std.replaceAll(":", "").length === 3 ? 1 : std.replaceAll(":", "").length === 5 ? 2 : 3;
  const sign = Math.trunc(offset / 60) < 0 ? "-" : "+";
  return sign + parts.slice(0, count).join(std.includes(":") ? ":" : "");
}

function dayOfYear({ year, month, day }: ZonedTime): number {
  const from = utcNs(year, 1, 1, 0, 0, 0, 0);
  return Number((utcNs(year, month, day, 0, 0, 0, 0) - from) / 86_400_000_000_000n) + 1;
}
