import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";

/**
 * The line, from 1, where the field path `field` stands in `document`: that of its deepest part
 * that is there, so that a missing field is shown at its parent.
 */
export function lineOf(document: Document, field: string, lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of splitField(field)) {
    if (isAlias(node)) node = node.resolve(document);
    const found = step(node, part);
    if (found === undefined) break;
    offset = found.offset ?? offset;
    node = found.node;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

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
