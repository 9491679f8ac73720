import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Scalar,
  type YAMLMap,
} from "yaml";
import { targetOf } from "./aliases.ts";
import { type Resolved, resolvePlain } from "./plain-scalar.ts";

/** A key that a mapping has twice; the last one counts. */
export type Duplicate = { readonly key: string; readonly offset: number };

/** Thrown by jsonOfDocument: kubectl refuses the document. */
export class YamlError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * The JSON that kubectl makes of a document whose scalars are all still text (schema failsafe): go.yaml.in/
 * yaml/v2 and what sigs.k8s.io/yaml makes of that. Throws YamlError.
 */
export function jsonOfDocument(document: Document): {
  readonly value: unknown;
  readonly duplicates: readonly Duplicate[];
} {
  const reader = new Reader(document);
  const value = reader.read(document.contents);
  return { value, duplicates: reader.duplicates };
}

class Reader {
  readonly duplicates: Duplicate[] = [];
  readonly #document: Document;
  #nodes = 0;
  #aliased = 0;
  #aliasDepth = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  read(node: unknown): unknown {
    this.#count(node);
    if (isAlias(node)) return this.#inAlias(() => this.read(this.#follow(node)));
    if (isMap(node)) {
      const entries = new Map<string, unknown>();
      this.#fill(entries, node, true);
      return withOwnKeys(entries);
    }
    if (isSeq(node)) return node.items.map((item) => this.read(item));
    return isScalar(node) ? jsonOf(scalarOf(node), node) : null;
  }

  /** Merged keys are set where `<<` stands: they go over those before it. */
  #fill(into: Map<string, unknown>, map: YAMLMap, own: boolean): void {
    const seen = new Set<string>();
    for (const { key, value } of map.items) {
      if (isMergeKey(key)) {
        this.#merge(into, value, offsetOf(key));
        continue;
      }
      const name = this.#keyOf(key);
      if (own && seen.has(name)) this.duplicates.push({ key: name, offset: offsetOf(key) });
      seen.add(name);
      into.set(name, this.read(value));
    }
  }

  #merge(into: Map<string, unknown>, value: unknown, offset: number): void {
    this.#count(value);
    const source = isAlias(value) ? this.#follow(value) : value;
    // Of several, the first one counts.
    const maps = isSeq(value) ? [...value.items].reverse() : [source];
    for (const one of maps) {
      const map = isAlias(one) ? this.#follow(one) : one;
      if (!isMap(map)) throw new YamlError("<< takes a mapping, or a list of mappings", offset);
      this.#inAlias(() => this.#fill(into, map, false));
    }
  }

  #keyOf(node: unknown): string {
    this.#count(node);
    const key = isAlias(node) ? this.#follow(node) : node;
    if (!isScalar(key)) throw new YamlError("has a key that is not text", offsetOf(node));
    const text = keyText(key);
    if (text !== undefined) return text;
    const empty = scalarOf(key).tag === "null";
    throw new YamlError(
      empty ? "has an empty key" : "has a key that is too large a number",
      offsetOf(node),
    );
  }

  #inAlias<T>(read: () => T): T {
    this.#aliasDepth++;
    const value = read();
    this.#aliasDepth--;
    return value;
  }

  #follow(alias: Alias): unknown {
    const node = targetOf(alias, this.#document);
    if (node !== undefined) return node;
    throw new YamlError(`names the anchor ${alias.source}, which is not there`, offsetOf(alias));
  }

  /** As go.yaml.in/yaml/v2: aliases may not make a small document a large one. */
  #count(node: unknown): void {
    this.#nodes++;
    const anchor = isAlias(node) ? node.source : (node as { anchor?: string } | null)?.anchor;
    if (anchor !== undefined && !/^[-\w]+$/.test(anchor)) {
      throw new YamlError("has an anchor whose name is not letters and digits", offsetOf(node));
    }
    if (this.#aliasDepth > 0) this.#aliased++;
    if (this.#aliased <= 100 || this.#nodes <= 1000) return;
    const [low, high] = [400_000, 4_000_000];
    const share = Math.min(1, Math.max(0, (this.#nodes - low) / (high - low)));
    if (this.#aliased / this.#nodes <= 0.99 - 0.89 * share) return;
    throw new YamlError("has aliases that multiply", offsetOf(node));
  }
}

/** A mapping's key as JSON has it; undefined: JSON can have none such. May throw YamlError. */
export function keyText(key: Scalar): string | undefined {
  const resolved = scalarOf(key);
  switch (resolved.tag) {
    case "null":
      return undefined;
    case "float":
      return floatKey(resolved.value);
    case "int":
      return resolved.value < 2n ** 63n ? String(resolved.value) : undefined;
    default:
      return String(resolved.value);
  }
}

/** Whether a key is `<<`, which merges what is behind it into its mapping. */
export function isMergeKey(node: unknown): boolean {
  if (!isScalar(node) || node.value !== "<<") return false;
  return node.tag === "tag:yaml.org,2002:merge" || (isPlain(node) && (node.tag ?? "!") === "!");
}

function isPlain({ type }: Scalar): boolean {
  return type === undefined || type === Scalar.PLAIN;
}

/** Of the tags that YAML names; a scalar with any other is text, and so is one in quotes. */
function scalarOf(node: Scalar): Resolved {
  const text = String(node.value ?? "");
  const tag = node.tag?.replace("tag:yaml.org,2002:", "!!");
  if (tag === undefined || tag === "!!str") {
    return isPlain(node) && tag === undefined ? resolvePlain(text) : { tag: "str", value: text };
  }
  if (tag === "!!binary") return { tag: "str", value: binaryOf(text, node) };
  const known = /^!!(bool|int|float|null|timestamp)$/.exec(tag)?.[1];
  if (known === undefined) return { tag: "str", value: text };
  const resolved = resolvePlain(text);
  if (known === "float" && resolved.tag === "int") {
    return { tag: "float", value: Number(resolved.value) };
  }
  if (resolved.tag === known || (known === "timestamp" && /^[0-9]{4}-/.test(text))) return resolved;
  throw new YamlError(`cannot be read as ${tag}`, offsetOf(node));
}

function binaryOf(text: string, node: Scalar): string {
  const compact = text.replace(/[\r\n]/g, "");
  if (compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    return Buffer.from(compact, "base64").toString("utf8");
  }
  throw new YamlError("is !!binary and no base64", offsetOf(node));
}

function jsonOf(resolved: Resolved, node: Scalar): unknown {
  if (resolved.tag === "int") return Number(resolved.value);
  if (resolved.tag !== "float") return resolved.value;
  if (Number.isFinite(resolved.value)) return resolved.value === 0 ? 0 : resolved.value;
  throw new YamlError(`has ${String(node.value)}, and JSON has no such number`, offsetOf(node));
}

/** strconv.FormatFloat(value, 'g', -1, 32). */
function floatKey(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  const single = Math.fround(value);
  let digits = 1;
  while (Math.fround(Number(single.toPrecision(digits))) !== single) digits++;
  const [mantissa = "", exponent = ""] = single.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(single.toPrecision(digits)));
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** "__proto__" is a key like any other. */
function withOwnKeys(entries: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries(entries);
}

function offsetOf(node: unknown): number {
  return (node as { range?: readonly [number, ...number[]] | null } | null)?.range?.[0] ?? 0;
}
