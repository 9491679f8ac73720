export type Replaced = { readonly from: string; readonly to: string };

/**
 * As Go's strings.Replacer: at each byte the first pair whose `from` is there, an empty one at most
 * once. What is put between the bytes of a character leaves it two that are none: U+FFFD.
 */
export function goReplace(text: string, pairs: readonly Replaced[]): Buffer {
  const bytes = Buffer.from(text);
  const encoded = pairs.map(({ from, to }) => [Buffer.from(from), Buffer.from(to)] as const);
  const parts: Uint8Array[] = [];
  let copied = 0;
  let wasEmpty = false;
  for (let at = 0; at <= bytes.length; ) {
    const found = encoded.find(
      ([from]) =>
        !(wasEmpty && from.length === 0) &&
        at + from.length <= bytes.length &&
        bytes.compare(from, 0, from.length, at, at + from.length) === 0,
    );
    wasEmpty = found !== undefined && found[0].length === 0;
    if (found === undefined) {
      at++;
      continue;
    }
    parts.push(bytes.subarray(copied, at), found[1]);
    at += found[0].length;
    copied = at;
  }
  return Buffer.concat([...parts, bytes.subarray(copied)]);
}

/** The text that Go reads in the bytes: each byte that is part of no character becomes U+FFFD. */
export function goText(bytes: Uint8Array): string {
  const whole = decoded(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    text += length === 0 ? "\ufffd" : Buffer.from(bytes.subarray(at, at + length)).toString();
    at += Math.max(length, 1);
  }
  return text;
}

/** In bytes; 0 where none begins. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return decoded(bytes.subarray(at, at + length)) === undefined ? 0 : length;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined where it is no UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
