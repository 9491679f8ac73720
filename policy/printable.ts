/** Controls, formats (bidi among them), surrogates, private use, unassigned; line and paragraph separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * `text` for a terminal, a log or a person: all that is no printable character stands there escaped as in
 * JSON (`\u001b`), but line feeds and tabs. JSON text stays the same JSON, and without anything to
 * escape a text is returned as it is.
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (one) => (one === "\n" || one === "\t" ? one : escaped(one)));
}

/** `printable`, with line feeds and tabs escaped as well: others' text within a line of ours. */
export function oneLine(text: string): string {
  return text.replaceAll(unprintable, escaped);
}

/** `text` with what follows each line feed indented: others' lines cannot pass for ours. */
export function indented(text: string): string {
  return text.replaceAll(/\r?\n/g, "\n    ");
}

/** Whether `printable` would change nothing, and there is neither a line feed nor a tab. */
export function isPrintable(text: string): boolean {
  return text.search(unprintable) === -1;
}

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One character, in JSON's notation: two surrogates for one beyond U+FFFF. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  const hex = units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  return short[character] ?? hex;
}
