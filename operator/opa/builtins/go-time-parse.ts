import { BuiltinError } from "./builtin.ts";
import { layoutChunks, months, weekdays } from "./go-time-layout.ts";
import { nsPerSecond, utcNs } from "./zoned-time.ts";

type Fields = {
  year: number;
  month?: number;
  day?: number;
  yearDay?: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  half?: "am" | "pm";
  /** Seconds east of UTC. A name of a zone gives none, not even GMT+2: nothing local is known. */
  offset?: number;
};

/** The nanoseconds since 1970 that Go's time.Parse finds. Throws BuiltinError. */
export function parseTime(layout: string, text: string): bigint {
  const fields: Fields = { year: 0, hour: 0, minute: 0, second: 0, nanosecond: 0 };
  const chunks = layoutChunks(layout);
  let rest = text;
  for (const [i, { prefix, std }] of chunks.entries()) {
    rest = skip(rest, prefix);
    if (std !== "") rest = readStd(rest, std, fields, chunks[i + 1]!);
  }
  if (rest !== "") fail("extra text");
  return toNs(fields);
}

function fail(what: string): never {
  throw new BuiltinError(`parsing time: ${what}`);
}

/** A space in the layout is any number of them, none among them at the end. */
function skip(text: string, prefix: string): string {
  let rest = text;
  for (let i = 0; i < prefix.length; ) {
    if (prefix[i] === " ") {
      if (rest !== "" && rest[0] !== " ") fail("no space");
      while (prefix[i] === " ") i++;
      rest = rest.replace(/^ +/, "");
    } else {
      if (rest[0] !== prefix[i]) fail(`no ${prefix[i]}`);
      rest = rest.slice(1);
      i++;
    }
  }
  return rest;
}

type Chunk = { readonly prefix: string; readonly std: string };

/** Reads one piece of the layout at the start of `text` into `fields`; what is left of the text. */
function readStd(text: string, std: string, fields: Fields, next: Chunk): string {
  return (
    readDate(text, std, fields) ??
    readTimeOfDay(text, std, fields, next) ??
    (/^[.,]/.test(std) ? readFraction(text, std, fields) : readOffset(text, std, fields))
  );
}

/** undefined: the piece is none of a date. */
function readDate(text: string, std: string, fields: Fields): string | undefined {
  let rest: string;
  switch (std) {
    case "2006":
      [fields.year, rest] = number(text, std, /^\d{4}/, [0, 9999]);
      return rest;
    case "06": {
      const [year, after] = number(text, std, exactlyTwo, [0, 99]);
      fields.year = year >= 69 ? year + 1900 : year + 2000;
      return after;
    }
    case "January":
    case "Jan": {
      const [index, after] = name(text, std, std === "Jan" ? short(months) : months);
      fields.month = index + 1;
      return after;
    }
    case "01":
    case "1":
      [fields.month, rest] = number(text, std, std === "01" ? exactlyTwo : oneOrTwo, [1, 12]);
      return rest;
    case "Monday":
    case "Mon":
      return name(text, std, std === "Mon" ? short(weekdays) : weekdays)[1];
    case "02":
      [fields.day, rest] = number(text, std, exactlyTwo, [0, 99]);
      return rest;
    case "2":
      [fields.day, rest] = number(text, std, oneOrTwo, [0, 99]);
      return rest;
    case "_2":
      return readDate(text.replace(/^ /, ""), "2", fields);
    case "002":
      [fields.yearDay, rest] = number(text, std, /^\d{3}/, [0, 999]);
      return rest;
    case "__2": {
      const after = text.replace(/^ {1,2}/, "");
      const digits = /^\d{1,3}/.exec(after)?.[0] ?? fail(`no ${std}`);
      fields.yearDay = Number(digits);
      return after.slice(digits.length);
    }
    default:
      return undefined;
  }
}

/** undefined: the piece is none of a time of day. */
function readTimeOfDay(text: string, std: string, fields: Fields, next: Chunk): string | undefined {
  let rest: string;
  switch (std) {
    case "15":
      [fields.hour, rest] = number(text, std, oneOrTwo, [0, 23]);
      return rest;
    case "03":
    case "3":
      [fields.hour, rest] = number(text, std, std === "03" ? exactlyTwo : oneOrTwo, [0, 12]);
      return rest;
    case "04":
    case "4":
      [fields.minute, rest] = number(text, std, std === "04" ? exactlyTwo : oneOrTwo, [0, 59]);
      return rest;
    case "05":
    case "5": {
      [fields.second, rest] = number(text, std, std === "05" ? exactlyTwo : oneOrTwo, [0, 59]);
      // A fraction is taken even where the layout has none; Go looks at the next piece, not its prefix.
      const fraction = /^[.,]\d/.test(next.std) ? undefined : /^[.,]\d+/.exec(rest)?.[0];
      if (fraction === undefined) return rest;
      fields.nanosecond = nanosecondsOf(fraction);
      return rest.slice(fraction.length);
    }
    case "PM":
    case "pm": {
      const half = text.slice(0, 2);
      if (![std, std === "PM" ? "AM" : "am"].includes(half)) fail(`no ${std}`);
      fields.half = half.toLowerCase() as "am" | "pm";
      return text.slice(2);
    }
    case "MST": {
      const zone = text.startsWith("UTC") ? "UTC" : zoneName(text);
      if (zone === "UTC") fields.offset = 0;
      return text.slice(zone.length);
    }
    default:
      return undefined;
  }
}

const oneOrTwo = /^\d{1,2}/;
const exactlyTwo = /^\d{2}/;

/** The number at the start of `text`, and what is left. */
function number(
  text: string,
  std: string,
  pattern: RegExp,
  [least, most]: readonly [number, number],
): [number, string] {
  const digits = pattern.exec(text)?.[0] ?? fail(`no ${std}`);
  const value = Number(digits);
  if (value < least || value > most) fail(`${std} out of range`);
  return [value, text.slice(digits.length)];
}

/** Which of the names is at the start of `text`, in any case of letters, and what is left. */
function name(text: string, std: string, names: readonly string[]): [number, string] {
  const lower = text.toLowerCase();
  const index = names.findIndex((one) => lower.startsWith(one.toLowerCase()));
  if (index < 0) fail(`no ${std}`);
  return [index, text.slice(names[index]!.length)];
}

function short(names: readonly string[]): readonly string[] {
  return names.map((one) => one.slice(0, 3));
}

function readFraction(text: string, std: string, fields: Fields): string {
  const count = std.length - 1;
  const exact = new RegExp(`^[.,]\\d{${count}}`);
  const digits = (std[1] === "0" ? exact : /^[.,]\d+/).exec(text)?.[0];
  if (digits === undefined) return std[1] === "9" ? text : fail(`no ${std}`);
  fields.nanosecond = nanosecondsOf(digits);
  return text.slice(digits.length);
}

function nanosecondsOf(fraction: string): number {
  return Number(fraction.slice(1, 10).padEnd(9, "0"));
}

function readOffset(text: string, std: string, fields: Fields): string {
  if (std.startsWith("Z") && text.startsWith("Z")) {
    fields.offset = 0;
    return text.slice(1);
  }
  const pattern = std.slice(1).replace(/\d\d/g, "(\\d\\d)");
  const match = new RegExp(`^([+-])${pattern}`).exec(text) ?? fail(`no ${std}`);
  const [all, sign, hours = "0", minutes = "0", seconds = "0"] = match;
  const parts = [hours, minutes, seconds].map(Number) as [number, number, number];
  if (parts[0] > 24 || parts[1] > 60 || parts[2] > 60) fail("time zone offset out of range");
  const offset = (parts[0] * 60 + parts[1]) * 60 + parts[2];
  fields.offset = sign === "-" ? -offset : offset;
  return text.slice(all.length);
}

/** What looks like the abbreviation of a zone: Go's parseTimeZone. */
function zoneName(text: string): string {
  const special = /^(ChST|MeST)/.exec(text)?.[0];
  if (special !== undefined) return special;
  const signed = /^(GMT)?([+-]\d+)?/.exec(text)!;
  if (signed[0] !== "") {
    const hours = Number(signed[2] ?? "0");
    if (Math.abs(hours) <= 23) return signed[0];
    return signed[1] ?? fail("no zone");
  }
  const upper = /^[A-Z]{0,6}/.exec(text)![0];
  const known = upper.length === 3 || (upper.length === 4 && /T$|^WITA$/.test(upper));
  if (!known && !(upper.length === 5 && upper.endsWith("T"))) fail("no zone");
  return upper;
}

function toNs(fields: Fields): bigint {
  const { year, minute, second, nanosecond, half } = fields;
  let { hour } = fields;
  if (half === "pm" && hour < 12) hour += 12;
  if (half === "am" && hour === 12) hour = 0;
  const { month, day } = dateOf(fields);
  const { offset = 0 } = fields;
  const ns = utcNs(year, month, day, hour, minute, second, nanosecond);
  return ns - BigInt(offset) * nsPerSecond;
}

function dateOf(fields: Fields): { readonly month: number; readonly day: number } {
  const { year, yearDay } = fields;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (yearDay === undefined) {
    const { month = 1, day = 1 } = fields;
    const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
    if (day < 1 || day > days) fail("day out of range");
    return { month, day };
  }
  if (yearDay < 1 || yearDay > (leap ? 366 : 365)) fail("day-of-year out of range");
  const date = new Date(0);
  date.setUTCFullYear(year, 0, yearDay);
  const found = { month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  const { month = found.month, day = found.day } = fields;
  if (month !== found.month || day !== found.day) fail("day-of-year does not match");
  return found;
}
