/** As Go's strconv.Quote, or QuoteToASCII. */
export function quote(text: string, ascii: boolean): string {
  return `"${[...text].map((rune) => escaped(rune, '"', ascii)).join("")}"`;
}

/** As Go's strconv.QuoteRune, or QuoteRuneToASCII. */
export function quoteRune(rune: string, ascii: boolean): string {
  return `'${escaped(rune, "'", ascii)}'`;
}

const named: Readonly<Record<string, string>> = {
  ...{ "\u0007": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" },
  ...{ "\v": "\\v", "\\": "\\\\" },
};

function escaped(rune: string, mark: string, ascii: boolean): string {
  if (rune === mark) return `\\${mark}`;
  const name = named[rune];
  if (name !== undefined) return name;
  const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune);
  const code = rune.codePointAt(0)!;
  if (printable && (!ascii || code < 0x80)) return rune;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
