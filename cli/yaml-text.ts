import { isPrintable } from "@guardbee/policy/printable";
import { Document, Scalar, visit } from "yaml";

/**
 * A value as YAML that stays the same YAML when it is made printable: what has characters to escape
 * stands in double quotes, those beyond U+FFFF as YAML writes them.
 */
export function yamlText(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar(_key, node) {
      const { value } = node;
      const lines = typeof value === "string" ? value.split("\n") : [];
      if (!lines.every(isPrintable)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString().replaceAll(beyondBmp, escaped);
}

const beyondBmp = /[\u{10000}-\u{10ffff}]/gu;

function escaped(character: string): string {
  if (isPrintable(character)) return character;
  const hex = character.codePointAt(0)!.toString(16);
  return `\\U${hex.padStart(8, "0")}`;
}
