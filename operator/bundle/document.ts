import { createHash } from "node:crypto";
import { parse as parseYaml } from "yaml";
import { BundleError } from "./bundle-error.ts";

/** JSON with its numbers as they were written: signatures cover their spelling. */
export type Document =
  | null
  | boolean
  | string
  | NumberText
  | readonly Document[]
  | { readonly [key: string]: Document };

/** The digits of a number as they stand in the file. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const depthMax = 500;
const yamlBytesMax = 1024 * 1024; // parsing is slow, and nothing else runs meanwhile

/** The JSON in a file; NotABundle when it is none, or nested deeper than 500. */
export function parseJsonDocument(path: string, content: Uint8Array): Document {
  const revive = (_: string, value: unknown, { source }: { source: string }) =>
    typeof value === "number" ? numberText(value, source) : value;
  return parsed(path, "JSON", () => JSON.parse(decodeText(path, content), revive as never));
}

/**
 * The YAML in a file, of one document and at most 1 MiB. Read as YAML 1.2; OPA's parser also knows
 * some spellings of YAML 1.1 (`0777`, `1_000`), and a signed file that has them does not verify.
 */
export function parseYamlDocument(path: string, content: Uint8Array): Document {
  if (content.byteLength > yamlBytesMax) {
    throw new BundleError(
      "TooLarge",
      `bundle: ${path} has ${content.byteLength} bytes, at most ${yamlBytesMax} are allowed in YAML; write it as data.json`,
    );
  }
  return parsed(path, "YAML", () =>
    withNumberTexts(
      parseYaml(decodeText(path, content), {
        intAsBigInt: true,
        merge: true,
        uniqueKeys: false,
        logLevel: "silent",
      }),
    ),
  );
}

/** UTF-8 text; NotABundle when it is something else. */
export function decodeText(path: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    throw new BundleError("NotABundle", `bundle: ${path} is not UTF-8; save it as UTF-8`, {
      cause: error,
    });
  }
}

/** The value with ordinary numbers, which round what a double cannot hold. */
export function toValue(document: Document): unknown {
  if (document instanceof NumberText) return Number(document.text);
  if (Array.isArray(document)) return document.map(toValue);
  if (!isDocumentObject(document)) return document;
  // fromEntries defines, it does not assign: a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, toValue(value)]));
}

/** Whether it is an object: not an array, not a number. */
export function isDocumentObject(
  document: Document | undefined,
): document is { readonly [key: string]: Document } {
  return (
    typeof document === "object" &&
    document !== null &&
    !Array.isArray(document) &&
    !(document instanceof NumberText)
  );
}

/**
 * The digest that OPA signs for a structured file, in hex: over its JSON without spaces and with sorted
 * keys, numbers as written (OPA v1/bundle/hash.go). `algorithm` is Node's name.
 */
export function hashDocument(document: Document, algorithm: string): string {
  const hash = createHash(algorithm);
  let pending = "";
  const write = (text: string) => {
    pending += text;
    if (pending.length < 65_536) return;
    hash.update(pending);
    pending = "";
  };
  writeCanonical(document, write);
  return hash.update(pending).digest("hex");
}

function writeCanonical(document: Document, write: (text: string) => void): void {
  if (Array.isArray(document)) {
    write("[");
    document.forEach((item, index) => {
      if (index > 0) write(",");
      writeCanonical(item, write);
    });
    write("]");
  } else if (isDocumentObject(document)) {
    write("{");
    const keys = Object.keys(document).sort(compareBytes);
    keys.forEach((key, index) => {
      write(`${index > 0 ? "," : ""}${goString(key)}:`);
      writeCanonical(document[key]!, write);
    });
    write("}");
  } else if (document instanceof NumberText) {
    write(document.text);
  } else {
    write(typeof document === "string" ? goString(document) : String(document));
  }
}

/** A string as Go's encoding/json writes it with SetEscapeHTML(false). */
function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[\u2028\u2029]/g, (one) =>
    one === "\u2028" ? "\\u2028" : "\\u2029",
  );
}

/** Go sorts strings by their bytes, JavaScript by UTF-16 units, which differ above U+FFFF. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function withNumberTexts(value: unknown): Document {
  if (typeof value === "bigint" || typeof value === "number") {
    return numberText(Number(value), String(value));
  }
  if (Array.isArray(value)) return value.map(withNumberTexts);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withNumberTexts(item)]),
    );
  }
  return value as null | boolean | string;
}

/** What a double cannot hold at all would reach the policy as null. */
function numberText(value: number, text: string): NumberText {
  if (Number.isFinite(value)) return new NumberText(text);
  throw new RangeError("a number is out of range");
}

function parsed(path: string, format: "JSON" | "YAML", parse: () => Document): Document {
  let document: Document;
  try {
    document = parse();
  } catch (error) {
    if (error instanceof BundleError) throw error;
    // The parsers quote the file, which is not for a policy's status.
    throw new BundleError("NotABundle", `bundle: ${path} is not ${format}; correct it`, {
      cause: error,
    });
  }
  if (isDeeperThan(document, depthMax)) {
    throw new BundleError(
      "NotABundle",
      `bundle: ${path} is nested deeper than ${depthMax}; flatten it`,
    );
  }
  return document;
}

function isDeeperThan(document: Document, levels: number): boolean {
  if (typeof document !== "object" || document === null) return false;
  if (levels === 0) return true;
  return Object.values(document).some((item) => isDeeperThan(item, levels - 1));
}
