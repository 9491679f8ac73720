/** The text of a file, and where bytes have been replaced. */
export type Decoded = {
  readonly text: string;
  /** Rows, from 1, in which bytes that are no text became U+FFFD. */
  readonly replaced: readonly number[];
};

/**
 * A file's text as kubectl takes it: UTF-16 where a byte order mark says so (Windows PowerShell writes
 * that), else UTF-8, and U+FFFD for what is neither.
 */
export function decodeFile(bytes: Uint8Array): Decoded {
  const encoding = encodingOf(bytes);
  const text = new TextDecoder(encoding).decode(bytes);
  if (!text.includes("\ufffd") || isWellFormed(bytes, encoding)) return { text, replaced: [] };
  const rows = text.split("\n").flatMap((row, i) => (row.includes("\ufffd") ? [i + 1] : []));
  return { text, replaced: rows };
}

/** Whether a file is UTF-16 that nothing tells: the API's kinds begin with letters of ASCII. */
export function isUnmarkedUtf16(bytes: Uint8Array): boolean {
  return bytes.length > 3 && (bytes[0] === 0) !== (bytes[1] === 0);
}

function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

function isWellFormed(bytes: Uint8Array, encoding: string): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
