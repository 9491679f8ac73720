import { isRecord } from "@guardbee/policy/sets";

/** The first problem in `raw`, as `<where> <what>`, or undefined when it is as it should be. */
export type Check = (raw: unknown, at: string) => string | undefined;

export const text: Check = (raw, at) => (typeof raw === "string" ? undefined : `${at} is no text`);
export const flag: Check = (raw, at) =>
  typeof raw === "boolean" ? undefined : `${at} is neither true nor false`;
export const integer: Check = (raw, at) =>
  Number.isSafeInteger(raw) ? undefined : `${at} is no whole number`;

export function oneOf(...values: readonly string[]): Check {
  return (raw, at) =>
    values.some((value) => value === raw) ? undefined : `${at} is ${JSON.stringify(raw)}`;
}

export function listOf(item: Check): Check {
  return (raw, at) =>
    Array.isArray(raw)
      ? firstOf(raw.map((each, index) => item(each, `${at}[${index}]`)))
      : `${at} is no list`;
}

export function mapOf(value: Check): Check {
  return (raw, at) =>
    isRecord(raw)
      ? firstOf(Object.entries(raw).map(([key, each]) => value(each, `${at}[${key}]`)))
      : `${at} is no mapping`;
}

/** A check of every field of `T`, each marked when it may be absent. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? { readonly optional: Check } : Check;
};

/** Exactly the fields of `T`: one that is unknown may be a condition that must not be overlooked. */
export function fieldsOf<T>(fields: Fields<T>): Check {
  const known = Object.entries(fields) as [string, Check | { readonly optional: Check }][];
  return (raw, at) => {
    if (!isRecord(raw)) return `${at} is no mapping`;
    const unknown = Object.keys(raw).find((key) => !Object.hasOwn(fields, key));
    if (unknown !== undefined) return `${at}.${unknown} is not known to this agent`;
    return firstOf(
      known.map(([key, check]) => {
        const value = raw[key];
        if (typeof check === "function") return check(value, `${at}.${key}`);
        return value === undefined ? undefined : check.optional(value, `${at}.${key}`);
      }),
    );
  };
}

/** A union: which fields there are depends on the text in `tag`. */
export function taggedBy(tag: string, members: Readonly<Record<string, Check>>): Check {
  const known = oneOf(...Object.keys(members));
  return (raw, at) => {
    if (!isRecord(raw)) return `${at} is no mapping`;
    const wrong = known(raw[tag], `${at}.${tag}`);
    return wrong ?? members[String(raw[tag])]?.(raw, at);
  };
}

export function firstOf(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
