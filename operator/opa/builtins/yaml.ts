import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  Scalar,
  type YAMLMap,
} from "yaml";
import { formatValue, RegoObject, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { stringOf } from "./operands.ts";
import { emitYaml } from "./yaml-emit.ts";
import { resolvePlain } from "./yaml-scalar.ts";

export const yaml: Readonly<Record<string, Builtin>> = {
  "yaml.marshal": (value) => emitYaml(value!),
  "yaml.unmarshal": (text) => unmarshal(stringOf(text)),
  "yaml.is_valid": (text) => typeof text === "string" && isValid(text),
};

/** Aliases can name aliases: more nodes than this is an attack, not a document. */
const mostNodes = 200_000;

/** The first document; the others have to be well formed too. */
function unmarshal(text: string): RegoValue {
  assertCharacters(text);
  // Scalars stay text: which of them are numbers is OPA's to say.
  const documents = parseAllDocuments(text, { schema: "failsafe", uniqueKeys: false });
  if ("empty" in documents) return null;
  const [error] = documents.flatMap((document) => document.errors);
  if (error !== undefined) throw new BuiltinError(error.message);
  const [document] = documents;
  let nodes = 0;
  const resolved = new Map<Alias, unknown>();

  /** What an alias stands for, looked for once: the library goes through the document each time. */
  function followed(node: unknown): unknown {
    if (!isAlias(node)) return node;
    if (!resolved.has(node)) resolved.set(node, node.resolve(document!));
    return resolved.get(node);
  }

  function regoOf(node: unknown): RegoValue {
    if (++nodes > mostNodes) throw new BuiltinError("document contains excessive aliasing");
    if (isAlias(node)) return regoOf(followed(node));
    if (isMap(node)) return new RegoObject([...entriesOf(node)]);
    if (isSeq(node)) return node.items.map(regoOf);
    return isScalar(node) ? scalarOf(node) : null;
  }

  function entriesOf(map: YAMLMap): ReadonlyMap<string, RegoValue> {
    const own = new Map<string, RegoValue>();
    const merged = new Map<string, RegoValue>();
    for (const { key, value } of map.items) {
      if (!isMergeKey(key)) {
        own.set(keyOf(regoOf(key)), regoOf(value));
        continue;
      }
      const source = followed(value);
      for (const one of isSeq(source) ? source.items : [source]) {
        const from = followed(one);
        if (!isMap(from)) throw new BuiltinError("map merge requires map or sequence of maps");
        for (const [name, entry] of entriesOf(from)) if (!merged.has(name)) merged.set(name, entry);
      }
    }
    return new Map([...merged, ...own]);
  }

  return regoOf(document!.contents);
}

/** What go-yaml's reader refuses, and what it takes for the end of a line and the library here does not. */
function assertCharacters(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/.test(text)) {
    throw new BuiltinError("control characters are not allowed");
  }
  if (/^%(?!YAML |TAG )/m.test(text.split(/^---/m)[0]!)) {
    throw new BuiltinError("found unknown directive name");
  }
  const separator = /[\x85\u2028\u2029]/.exec(text)?.[0];
  if (separator === undefined) return;
  const code = separator.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  throw new Error(`has the line separator U+${code}; write line feeds`);
}

function isMergeKey(node: unknown): boolean {
  return isScalar(node) && node.type === Scalar.PLAIN && node.value === "<<";
}

function keyOf(key: RegoValue): string {
  if (typeof key === "string") return key;
  if (key === null || typeof key === "object") throw new BuiltinError("unsupported map key");
  return formatValue(key);
}

function scalarOf({ type, tag, value }: Scalar): RegoValue {
  const text = String(value ?? "");
  if (type !== Scalar.PLAIN || tag === "tag:yaml.org,2002:str" || tag === "!") return text;
  const resolved = resolvePlain(text);
  if (resolved === undefined) return text;
  if (resolved.value === undefined) throw new BuiltinError("JSON has no such number");
  return resolved.value;
}

function isValid(text: string): boolean {
  try {
    unmarshal(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}
