import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { isMergeKey, keyText } from "./value.ts";

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
    const found = step(node, part, document);
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

function step(
  node: unknown,
  part: string,
  document: Document,
): { node: unknown; offset?: number } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(part)];
    return item === undefined ? undefined : { node: item, ...startOf(item) };
  }
  const pair = isMap(node) ? pairOf(node, part, document, maxMerges) : undefined;
  return pair === undefined ? undefined : { node: pair.value, ...startOf(pair.key) };
}

/** A merge may lead to itself. */
const maxMerges = 10;

/** What gives a key its value: the last one that has it, merged mappings among them. */
function pairOf(map: YAMLMap, part: string, document: Document, merges: number): Pair | undefined {
  for (const pair of [...map.items].reverse()) {
    if (isMergeKey(pair.key) && merges > 0) {
      const merged = behind(pair.value, document);
      for (const one of isSeq(merged) ? merged.items : [merged]) {
        const source = behind(one, document);
        const found = isMap(source) ? pairOf(source, part, document, merges - 1) : undefined;
        if (found !== undefined) return found;
      }
    }
    const key = behind(pair.key, document);
    if (isScalar(key) && keyText(key) === part) return pair;
  }
  return undefined;
}

function behind(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): { offset?: number } {
  const range = (node as Node | null)?.range;
  return range === undefined || range === null ? {} : { offset: range[0] };
}
