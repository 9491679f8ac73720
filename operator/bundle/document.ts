import { parse as parseYaml } from "yaml";
import { BundleError } from "./bundle-error.ts";

/** An object as it comes out of JSON or YAML. */
export type DocumentObject = { readonly [key: string]: unknown };

/** A file that is data. */
export type DocumentFile = {
  readonly path: string;
  readonly content: Uint8Array;
  readonly format: "JSON" | "YAML";
};

/** What all documents of a bundle may have together. */
export const documentBytesMax = 4 * 1024 * 1024;

const depthMax = 500;
// Values take up to 40 times the memory of their text, and YAML's parser is slow. A heap limit would be
// no bound: JSON.parse cannot be interrupted, so V8 ends the whole process at it, whatever the thread.
const bytesMax = { JSON: documentBytesMax, YAML: 1024 * 1024 } as const;

/**
 * The value in a JSON file of at most 4 MiB; NotABundle when it is none, nested deeper than 500, or has a
 * number that no double holds. Numbers are rounded to doubles.
 */
export function parseJson(path: string, content: Uint8Array): unknown {
  return parseDocument({ path, content, format: "JSON" }, (text) => JSON.parse(text));
}

/** The value in a YAML file of at most 1 MiB and one document, under the same rules. */
export function parseYamlDocument(path: string, content: Uint8Array): unknown {
  return parseDocument({ path, content, format: "YAML" }, (text) =>
    withNumbers(parseYamlTree(text)),
  );
}

/**
 * YAML with its integers as bigints. Read as YAML 1.2; OPA's parser also knows some spellings of YAML 1.1
 * (`0777`, `1_000`), and a signed file that has them does not verify.
 */
export function parseYamlTree(text: string): unknown {
  return parseYaml(text, {
    intAsBigInt: true,
    merge: true,
    uniqueKeys: false,
    logLevel: "silent",
  });
}

/** What `parse` gives, or an error without what the parser says: parsers quote the file. */
export function parseDocument(file: DocumentFile, parse: (text: string) => unknown): unknown {
  const { path, content, format } = file;
  if (content.byteLength > bytesMax[format]) {
    throw new BundleError(
      "TooLarge",
      `bundle: ${path} has ${content.byteLength} bytes, at most ${bytesMax[format]} are allowed in ${format}; leave out what the policy does not need`,
    );
  }
  const text = decodeText(path, content);
  let document: unknown;
  try {
    document = parse(text);
    if (isWithinDepth(document, depthMax)) return document;
  } catch (error) {
    throw new BundleError("NotABundle", `bundle: ${path} is not ${format}; correct it`, {
      cause: error,
    });
  }
  throw new BundleError(
    "NotABundle",
    `bundle: ${path} is nested deeper than ${depthMax}; flatten it`,
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

/** Whether it is an object and no array. */
export function isDocumentObject(document: unknown): document is DocumentObject {
  return typeof document === "object" && document !== null && !Array.isArray(document);
}

/** Throws for a number out of range: it would reach the policy as null. */
function isWithinDepth(document: unknown, levels: number): boolean {
  if (typeof document === "number" && !Number.isFinite(document)) {
    throw new RangeError("a number is out of range");
  }
  if (typeof document !== "object" || document === null) return true;
  if (levels === 0) return false;
  for (const key in document) {
    if (!isWithinDepth((document as DocumentObject)[key], levels - 1)) return false;
  }
  return true;
}

function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (!isDocumentObject(value)) return value;
  // fromEntries defines, it does not assign: a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withNumbers(item)]));
}
