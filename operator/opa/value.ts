/**
 * A Rego value as host builtins see it. JSON would lose three things that Rego tells apart: sets from
 * arrays, keys that are no strings, and numbers that a double cannot hold.
 */
export type RegoValue =
  | null
  | boolean
  | string
  | number
  | BigNumber
  | readonly RegoValue[]
  | RegoSet
  | RegoObject;

/** A number whose text a double does not give back: 12345678901234567890, 1.0, 1e2. */
export class BigNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Members in any order, without duplicates once Rego has it. */
export class RegoSet {
  readonly items: readonly RegoValue[];
  constructor(items: readonly RegoValue[]) {
    this.items = items;
  }
}

export type RegoEntry = readonly [key: RegoValue, value: RegoValue];

export class RegoObject {
  readonly entries: readonly RegoEntry[];
  constructor(entries: readonly RegoEntry[]) {
    this.entries = entries;
  }

  /** The value of a string key. */
  get(key: string): RegoValue | undefined {
    return this.entries.find(([k]) => k === key)?.[1];
  }
}

/** An object with string keys. */
export function regoObject(record: Readonly<Record<string, RegoValue>>): RegoObject {
  return new RegoObject(Object.entries(record));
}

/** As Rego's own `type_name`. */
export function typeName(value: RegoValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof RegoSet) return "set";
  if (value instanceof RegoObject) return "object";
  return value instanceof BigNumber ? "number" : typeof value;
}

/** The value in Rego's own text, as OPA prints it: `{"a": [1, 2]}`, `set()`, `{1, "x"}`. */
export function formatValue(value: RegoValue): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return formatNumber(value);
  // The module takes no half of a surrogate pair; Go would have read U+FFFD.
  if (typeof value === "string") return JSON.stringify(value.toWellFormed());
  if (value instanceof BigNumber) return value.text;
  if (value instanceof RegoSet) {
    return value.items.length === 0 ? "set()" : `{${value.items.map(formatValue).join(", ")}}`;
  }
  if (value instanceof RegoObject) {
    const entries = value.entries.map(([k, v]) => `${formatValue(k)}: ${formatValue(v)}`);
    return `{${entries.join(", ")}}`;
  }
  return `[${(value as readonly RegoValue[]).map(formatValue).join(", ")}]`;
}

/** JavaScript writes 1e21, Rego reads it; but it has no NaN and no infinity. */
function formatNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no Rego number`);
  return Object.is(value, -0) ? "0" : String(value);
}

/** A number from its text: a JavaScript number where that gives the text back. */
export function parseNumber(text: string): number | BigNumber {
  const value = Number(text);
  return String(value) === text ? value : new BigNumber(text);
}

/**
 * The value in a text that OPA's module wrote (`opa_value_dump`): JSON, and sets, and keys of any
 * type. Throws SyntaxError with the offset otherwise.
 */
export function parseValue(text: string): RegoValue {
  const parser = new ValueParser(text);
  const value = parser.value();
  parser.end();
  return value;
}

class ValueParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  end(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail();
  }

  value(): RegoValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case "[":
        return this.#list("[", "]", () => this.value());
      case "{":
        return this.#braces();
      case "n":
        return this.#word("null", null);
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "s":
        return this.#word("set()", new RegoSet([]));
      default:
        return this.#number();
    }
  }

  #braces(): RegoValue {
    const start = this.#at;
    let isSet = false;
    const members = this.#list("{", "}", (): RegoEntry => {
      const key = this.value();
      this.#skipSpace();
      if (this.#text[this.#at] !== ":") {
        isSet = true;
        return [key, null];
      }
      this.#at++;
      return [key, this.value()];
    });
    if (this.#at === start) this.#fail();
    return isSet ? new RegoSet(members.map(([key]) => key)) : new RegoObject(members);
  }

  #list<T>(open: string, close: string, member: () => T): T[] {
    this.#expect(open);
    const members: T[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] === close) break;
      if (members.length > 0) this.#expect(",");
      members.push(member());
    }
    this.#at++;
    return members;
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (this.#at++; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#at >= this.#text.length) this.#fail();
      if (this.#text[this.#at] === "\\") {
        escaped = true;
        this.#at++;
      }
    }
    this.#at++;
    const quoted = this.#text.slice(start, this.#at);
    return escaped ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  }

  #number(): number | BigNumber {
    const pattern = /[-+0-9.eE]+/y;
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    if (text === undefined) return this.#fail();
    this.#at += text.length;
    return parseNumber(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail();
    this.#at++;
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }

  #fail(): never {
    throw new SyntaxError(`no Rego value at offset ${this.#at}`);
  }
}
