/** Test support: what bpf/types.h declares, read from its text. */
import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../bpf/types.h", import.meta.url), "utf8").replace(
  /\/\*[\s\S]*?\*\//g,
  "",
);

const integers: Readonly<Record<string, number>> = { __u8: 1, __u16: 2, __u32: 4, __u64: 8 };

/** Offset and size of each integer of a struct, nested ones as `header.kind`; it has no padding. */
export function fieldsOf(struct: string): ReadonlyMap<string, { at: number; size: number }> {
  const body = text.match(new RegExp(`^struct ${struct} \\{([^}]*)\\}`, "m"))?.[1];
  if (body === undefined) throw new Error(`bpf/types.h: no struct ${struct}`);
  const fields = new Map<string, { at: number; size: number }>();
  let at = 0;
  for (const [, type, name] of body.matchAll(/^\t(\w+|struct \w+) (\w+);/gm)) {
    const size = integers[type!];
    const inner = size === undefined ? fieldsOf(type!.slice("struct ".length)) : undefined;
    for (const [field, place] of inner ?? [["", { at: 0, size: size! }] as const]) {
      fields.set(field === "" ? name! : `${name}.${field}`, {
        at: at + place.at,
        size: place.size,
      });
    }
    at += size ?? sizeOf(inner!);
  }
  return fields;
}

/** In bytes. */
export function sizeOf(fields: ReadonlyMap<string, { at: number; size: number }>): number {
  return Math.max(...[...fields.values()].map(({ at, size }) => at + size));
}

/** The values of `#define PREFIX_NAME (1u << N)`, by NAME. */
export function bitsOf(prefix: string): Readonly<Record<string, number>> {
  const found = text.matchAll(new RegExp(`^#define ${prefix}_(\\w+)\\s+\\(1u << (\\d+)\\)`, "gm"));
  return Object.fromEntries([...found].map(([, name, bit]) => [name, 1 << Number(bit)]));
}

/** The values of an enum, by name. */
export function valuesOf(name: string): Readonly<Record<string, number>> {
  const body = text.match(new RegExp(`^enum ${name} \\{([^}]*)\\}`, "m"))?.[1];
  if (body === undefined) throw new Error(`bpf/types.h: no enum ${name}`);
  const values: Record<string, number> = {};
  let next = 0;
  for (const [, member, value] of body.matchAll(/(\w+)(?: = (\d+))?,/g)) {
    values[member!] = value === undefined ? next : Number(value);
    next = values[member!]! + 1;
  }
  return values;
}
