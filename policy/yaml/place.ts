import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml";

/**
 * The offset where the field path `field` stands in `document`: that of its deepest part that is
 * there, so that a missing field is shown at its parent.
 */
export function offsetOf(document: Document, field: string): number | undefined {
  return walk(document, field).offset;
}

/** What stands at the field path; undefined: nothing. */
export function nodeAt(document: Document, field: string): unknown {
  const { node, whole } = walk(document, field);
  return whole ? node : undefined;
}

function walk(document: Document, field: string): Walked {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of splitField(field)) {
    if (isAlias(node)) node = node.resolve(document);
    const found = step(node, part);
    if (found === undefined) return { node, offset, whole: false };
    offset = found.offset ?? offset;
    node = found.node;
  }
  return { node: isAlias(node) ? node.resolve(document) : node, offset, whole: true };
}

type Walked = {
  readonly node: unknown;
  readonly offset: number | undefined;
  readonly whole: boolean;
};

/** `spec.kprobes[0].call` → spec, kprobes, 0, call. Brackets may hold a map key with dots. */
export function splitField(field: string): readonly string[] {
  return [...field.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);
}

function step(node: unknown, part: string): { node: unknown; offset?: number } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(part)];
    return item === undefined ? undefined : { node: item, ...startOf(item) };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
  return pair === undefined ? undefined : { node: pair.value, ...startOf(pair.key) };
}

function startOf(node: unknown): { offset?: number } {
  const range = (node as Node | null)?.range;
  return range === undefined || range === null ? {} : { offset: range[0] };
}
