import { layout } from "./layout.ts";

/** struct number_key */
export function numberKey(dim: number, value: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(layout.numberKeyBytes));
  view.setUint32(0, dim, true);
  view.setBigUint64(8, BigInt.asUintN(64, value), true);
  return new Uint8Array(view.buffer);
}

/** struct equal_key; `text` is a byte string (latin1) of at most textBytes. */
export function equalKey(dim: number, text: string): Uint8Array {
  const key = new Uint8Array(layout.equalKeyBytes);
  new DataView(key.buffer).setUint32(0, ((dim << 16) | text.length) >>> 0, true);
  key.set(Buffer.from(text, "latin1"), 4);
  return key;
}

/** struct prefix_key; `text` is a byte string (latin1) of at most textBytes. */
export function prefixKey(dim: number, text: string): Uint8Array {
  const key = new Uint8Array(layout.prefixKeyBytes);
  const view = new DataView(key.buffer);
  view.setUint32(0, 8 * (4 + text.length), true);
  view.setUint32(4, dim, true);
  key.set(Buffer.from(text, "latin1"), 8);
  return key;
}

/** Key of binaries_exact: the path, NUL-padded. */
export function binaryKey(path: string): Uint8Array {
  const key = new Uint8Array(layout.binaryBytes);
  key.set(Buffer.from(path, "latin1"));
  return key;
}

/** struct binary_prefix_key */
export function binaryPrefixKey(prefix: string): Uint8Array {
  const key = new Uint8Array(layout.binaryPrefixKeyBytes);
  new DataView(key.buffer).setUint32(0, 8 * prefix.length, true);
  key.set(Buffer.from(prefix, "latin1"), 4);
  return key;
}
