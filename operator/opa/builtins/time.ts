import type { RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { parseDuration } from "./go-duration.ts";
import { formatTime } from "./go-time-format.ts";
import { namedLayouts, weekdays } from "./go-time-layout.ts";
import { parseTime } from "./go-time-parse.ts";
import { intOf, numberOf, numberTextOf, stringOf } from "./operands.ts";
import { localNs, utcNs, type ZonedTime, zonedTime } from "./zoned-time.ts";

export const time: Readonly<Record<string, Builtin>> = {
  "time.parse_ns": (layout, text) => inRange(parseTime(layoutOf(stringOf(layout)), stringOf(text))),
  "time.parse_rfc3339_ns": (text) => inRange(parseTime(namedLayouts.RFC3339!, stringOf(text))),
  "time.parse_duration_ns": (text) => numberOf(parseDuration(stringOf(text))),
  "time.date": (operand) => {
    const { year, month, day } = timeOf(operand).time;
    return [year, month, day];
  },
  "time.clock": (operand) => {
    const { hour, minute, second } = timeOf(operand).time;
    return [hour, minute, second];
  },
  "time.weekday": (operand) => weekdays[timeOf(operand).time.weekday],
  "time.format": (operand) => {
    const { time, layout } = timeOf(operand);
    return formatTime(time, layout === "" ? namedLayouts.RFC3339Nano! : layoutOf(layout));
  },
  "time.add_date": (operand, years, months, days) =>
    addDate(timeOf(operand).time, intOf(years), intOf(months), intOf(days)),
  "time.diff": (a, b) => difference(timeOf(a).time, timeOf(b).time),
};

function layoutOf(layout: string): string {
  return namedLayouts[layout] ?? layout;
}

/** Nanoseconds of 64 bits: the years 1677 to 2262. */
function inRange(ns: bigint): RegoValue {
  if (BigInt.asIntN(64, ns) !== ns) throw new BuiltinError("time outside of valid range");
  return numberOf(ns);
}

/** NS, or [NS, ZONE, LAYOUT] with the later ones left out. */
function timeOf(operand: RegoValue | undefined): {
  readonly time: ZonedTime;
  readonly layout: string;
} {
  const [ns, zone = "", layout = ""] = Array.isArray(operand) ? operand : [operand];
  const name = stringOf(zone);
  if (name === "Local") throw new Error("zone Local differs from machine to machine; name a zone");
  const time = zonedTime(nanosecondsOf(ns), name === "" ? "UTC" : name);
  return { time, layout: stringOf(layout) };
}

function nanosecondsOf(value: RegoValue | undefined): bigint {
  const text = numberTextOf(value);
  const exact = /^-?\d+$/.test(text) ? BigInt(text) : wholeOf(Number(text));
  if (BigInt.asIntN(64, exact) !== exact) throw new BuiltinError("timestamp too big");
  return exact;
}

function wholeOf(value: number): bigint {
  if (!Number.isInteger(value)) throw new BuiltinError("timestamp too big");
  return BigInt(value);
}

function addDate(time: ZonedTime, years: number, months: number, days: number): RegoValue {
  const { year, month, day, hour, minute, second, nanosecond } = time;
  const date = [year + years, month + months, day + days] as const;
  return inRange(localNs(utcNs(...date, hour, minute, second, nanosecond), time.zone));
}

/** Years, months, days, hours, minutes and seconds between, in the zone of the first. */
function difference(a: ZonedTime, b: ZonedTime): RegoValue {
  const other = zonedTime(b.ns, a.zone);
  const [from, to] = a.ns > other.ns ? [other, a] : [a, other];
  let year = to.year - from.year;
  let month = to.month - from.month;
  let day = to.day - from.day;
  let hour = to.hour - from.hour;
  let minute = to.minute - from.minute;
  let second = to.second - from.second;
  if (second < 0) {
    second += 60;
    minute--;
  }
  if (minute < 0) {
    minute += 60;
    hour--;
  }
  if (hour < 0) {
    hour += 24;
    day--;
  }
  if (day < 0) {
    day += new Date(Date.UTC(from.year, from.month, 0)).getUTCDate();
    month--;
  }
  if (month < 0) {
    month += 12;
    year--;
  }
  return [year, month, day, hour, minute, second];
}
