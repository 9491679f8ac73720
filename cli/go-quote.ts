/** `text` as it is, or as Go's %q writes it when a space or something unprintable is in it. */
export function quoteIfNeeded(text: string): string {
  return plain.test(text) ? text : goQuote(text);
}

/** Go's strconv.Quote: double quotes, escapes for all that unicode.IsPrint refuses. */
function goQuote(text: string): string {
  let quoted = "";
  for (const character of text) quoted += escapes[character] ?? printed(character);
  return `"${quoted}"`;
}

const plain = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]*$/u;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function printed(character: string): string {
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
