import { createHash } from "node:crypto";
import { type DocumentFile, isDocumentObject, parseDocument, parseYamlTree } from "./document.ts";

/** A number as it is written in the file: signatures cover its spelling. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The digest that OPA signs for a JSON or YAML file, in hex: over its JSON without spaces and with
 * sorted keys, numbers as written (OPA v1/bundle/hash.go). `algorithm` is Node's name.
 */
export function hashStructured(file: DocumentFile, algorithm: string): string {
  const document = parseDocument(file, (text) =>
    file.format === "YAML" ? parseYamlTree(text) : JSON.parse(text, reviveNumber as never),
  );
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

function reviveNumber(_: string, value: unknown, { source }: { readonly source: string }): unknown {
  return typeof value === "number" ? new NumberText(source) : value;
}

function writeCanonical(document: unknown, write: (text: string) => void): void {
  if (document instanceof NumberText) {
    write(document.text);
  } else if (Array.isArray(document)) {
    write("[");
    document.forEach((item, index) => {
      if (index > 0) write(",");
      writeCanonical(item, write);
    });
    write("]");
  } else if (isDocumentObject(document)) {
    write("{");
    sortedKeys(document).forEach((key, index) => {
      write(`${index > 0 ? "," : ""}${goString(key)}:`);
      writeCanonical(document[key], write);
    });
    write("}");
  } else {
    write(typeof document === "string" ? goString(document) : String(document));
  }
}

/** A string as Go's encoding/json writes it with SetEscapeHTML(false). */
function goString(text: string): string {
  const json = JSON.stringify(text.isWellFormed() ? text : text.toWellFormed());
  return /[\u2028\u2029]/.test(json)
    ? json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")
    : json;
}

/** Go sorts strings by their bytes, JavaScript by UTF-16 units, which differ from U+D800 up. */
function sortedKeys(document: object): readonly string[] {
  const keys = Object.keys(document);
  if (!keys.some((key) => /[\ud800-\uffff]/.test(key))) return keys.sort();
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
