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
import { targetOf } from "./aliases.ts";
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
    node = behind(node, document);
    const found = step(node, part, document);
    if (found === undefined) return { node, offset, whole: false };
    offset = found.offset ?? offset;
    node = found.node;
  }
  return { node: behind(node, document), offset, whole: true };
}

type Walked = {
  readonly node: unknown;
  readonly offset: number | undefined;
  readonly whole: boolean;
};

/** `spec.kprobes[0].call` → spec, kprobes, 0, call. Brackets may hold a map key with dots. */
function splitField(field: string): readonly string[] {
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
  const pair = isMap(node) ? pairsOf(node, document).get(part) : undefined;
  return pair === undefined ? undefined : { node: pair.value, ...startOf(pair.key) };
}

type Pairs = ReadonlyMap<string, Pair>;

/** By mapping: a thousand problems are looked up in one. Written by pairsOf. */
const known = new WeakMap<YAMLMap, Pairs>();

/** What gives each key its value: the last one that has it, merged mappings among them. */
function pairsOf(map: YAMLMap, document: Document): Pairs {
  const found = known.get(map);
  if (found !== undefined) return found;
  const pairs = new Map<string, Pair>();
  known.set(map, pairs); // a merge may lead to itself
  for (const pair of map.items) {
    const key = behind(pair.key, document);
    if (isMergeKey(pair.key)) {
      const merged = behind(pair.value, document);
      for (const one of isSeq(merged) ? [...merged.items].reverse() : [merged]) {
        const source = behind(one, document);
        if (!isMap(source)) continue;
        for (const [name, inner] of pairsOf(source, document)) pairs.set(name, inner);
      }
    } else if (isScalar(key)) {
      const name = keyText(key);
      if (name !== undefined) pairs.set(name, pair);
    }
  }
  return pairs;
}

function behind(node: unknown, document: Document): unknown {
  return isAlias(node) ? targetOf(node, document) : node;
}

function startOf(node: unknown): { offset?: number } {
  const range = (node as Node | null)?.range;
  return range === undefined || range === null ? {} : { offset: range[0] };
}
