import { BuiltinError } from "./builtin.ts";

/** An instant as clocks of a time zone show it. */
export type ZonedTime = {
  /** Nanoseconds since 1970. */
  readonly ns: bigint;
  /** IANA name. */
  readonly zone: string;
  /** Of the zone at that instant, in seconds east of UTC. */
  readonly offset: number;
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** From 0, Sunday. */
  readonly weekday: number;
};

export const nsPerSecond = 1_000_000_000n;

/** `ns` on the clocks of `zone`. Throws BuiltinError for a zone that there is not. */
export function zonedTime(ns: bigint, zone: string): ZonedTime {
  const nanosecond = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  const seconds = Number((ns - nanosecond) / nsPerSecond);
  const offset = zone === "UTC" ? 0 : offsetAt(seconds, zone);
  const local = new Date((seconds + offset) * 1000);
  return {
    ...{ ns, zone, offset },
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: Number(nanosecond),
    weekday: local.getUTCDay(),
  };
}

/** The instant at which clocks in UTC show this; months and days may be out of range. */
export function utcNs(
  ...[year, month, day, hour, minute, second, nanosecond]: readonly [
    ...[number, number, number, number, number, number, number],
  ]
): bigint {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (Number.isNaN(date.getTime())) throw new BuiltinError("time outside of valid range");
  return BigInt(date.getTime()) * 1_000_000n + BigInt(nanosecond);
}

/** The instant at which clocks of a zone show what UTC's show at `ns`; as Go's time.Date decides. */
export function localNs(ns: bigint, zone: string): bigint {
  if (zone === "UTC") return ns;
  const seconds = Number(ns / nsPerSecond);
  let offset = offsetAt(seconds, zone);
  if (offset !== 0) {
    const guess = seconds - offset;
    // Not the offset there: the clocks were changed in between.
    const there = offsetAt(guess, zone);
    if (there !== offset) {
      const before = seconds - there;
      offset = offsetAt(before, zone) === there ? there : offset;
    }
  }
  return ns - BigInt(offset) * nsPerSecond;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function offsetAt(seconds: number, zone: string): number {
  const parts = formatterOf(zone).formatToParts(seconds * 1000);
  const number = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const shown = new Date(0);
  shown.setUTCFullYear(number("year"), number("month") - 1, number("day"));
  shown.setUTCHours(number("hour"), number("minute"), number("second"));
  return shown.getTime() / 1000 - seconds;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  // What Go's time.LoadLocation takes: no offsets, and names in their own case.
  if (!/^[A-Z][A-Za-z0-9_+/-]*$/.test(zone)) throw new BuiltinError(`unknown time zone ${zone}`);
  try {
    const numeric = "numeric";
    const formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "iso8601",
      hourCycle: "h23",
      ...{ year: numeric, month: numeric, day: numeric },
      ...{ hour: numeric, minute: numeric, second: numeric },
    });
    formatters.set(zone, formatter);
    return formatter;
  } catch {
    throw new BuiltinError(`unknown time zone ${zone}`);
  }
}
