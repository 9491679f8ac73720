import { isRecord } from "./is-record.ts";
import { nullRefusal } from "./schema/dsl.ts";
import { kinds } from "./schema/kinds.ts";
import type { Shape } from "./schema/shape.ts";

/** A field that is gone, and what that means: `the policy holds in every pod`. */
export type Withdrawn = { readonly field: string; readonly consequence: string };

/**
 * What an object of this kind had, and has no more, of what widens it by its absence: the fields whose
 * nulls are refused. A merge patch takes them away by a null that nobody sees afterwards. Items of
 * lists are compared where the list is as long as before.
 */
export function withdrawn(kind: string, before: unknown, now: unknown): readonly Withdrawn[] {
  const found = kinds.find((one) => one.kind === kind);
  const schema = (found?.schema as Shape | undefined)?.properties?.spec;
  return schema === undefined ? [] : [...walk(schema, "spec", { before, now })];
}

type Versions = { readonly before: unknown; readonly now: unknown };

function* walk(schema: Shape, at: string, { before, now }: Versions): Generator<Withdrawn> {
  if (Array.isArray(before) && Array.isArray(now)) {
    if (before.length !== now.length || schema.items === undefined) return;
    for (const [i, item] of before.entries()) {
      yield* walk(schema.items, `${at}[${i}]`, { before: item, now: now[i] });
    }
    return;
  }
  if (!isRecord(before) || !isRecord(now)) return;
  const { properties, additionalProperties } = schema;
  for (const [key, old] of Object.entries(before)) {
    const named = properties !== undefined && Object.hasOwn(properties, key);
    const member = named ? properties[key] : additionalProperties;
    if (member === undefined || old === null) continue;
    const field = named ? `${at}.${key}` : `${at}[${key}]`;
    const value = Object.hasOwn(now, key) ? (now[key] ?? undefined) : undefined;
    const consequence = nullRefusal(member);
    if (value !== undefined) yield* walk(member, field, { before: old, now: value });
    else if (consequence !== undefined) yield { field, consequence };
  }
}
