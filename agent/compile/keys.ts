import type { BinaryForm } from "@guardbee/policy/sets";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, offsetsOf } from "../layout/struct.ts";

const { number_key, equal_key, prefix_key, binary_prefix_key } = layout;
const numberAt = offsetsOf(number_key);

/** One entry of a map. */
export type Entry = { readonly key: Uint8Array; readonly value: Uint8Array };

/** Text as a string of its UTF-8 bytes, so that lengths and prefixes are those of the kernel. */
export function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Its bytes from the last to the first. */
export function reversed(text: string): string {
  return [...text].reverse().join("");
}

/** What an executable's path is compared with, as the kernel's maps have it. */
export function executableText(form: BinaryForm, text: string): string {
  return form === "postfix" ? reversed(bytes(text)) : bytes(text);
}

/** struct number_key; `list`: of a facet with several. A set may list tens of thousands of numbers. */
export function numberKey(dim: number, value: bigint, list = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(number_key.size));
  view.setUint32(numberAt.u32.dim, dim, true);
  view.setUint32(numberAt.u32.list, list, true);
  view.setBigUint64(numberAt.u64.value, BigInt.asUintN(64, value), true);
  return new Uint8Array(view.buffer);
}

/** struct equal_key; `text` is a byte string (latin1) of at most TEXT_SIZE. */
export function equalKey(dim: number, text: string): Uint8Array {
  const dim_and_size = ((dim << 16) | text.length) >>> 0;
  return bytesOf(equal_key, { dim_and_size, text: Buffer.from(text, "latin1") });
}

/** struct prefix_key; `dim`: with its flags; `text` is a byte string (latin1) of at most TEXT_SIZE. */
export function prefixKey(dim: number, text: string): Uint8Array {
  const { at } = prefix_key.fields.dim;
  const prefix_bits = 8 * (prefix_key.fields.text.at - at + text.length);
  return bytesOf(prefix_key, { prefix_bits, dim, text: Buffer.from(text, "latin1") });
}

/** struct prefix_key of a text of bits, `0` and `1`, of any number. */
export function bitPrefixKey(dim: number, bits: string): Uint8Array {
  const { at } = prefix_key.fields.dim;
  const prefix_bits = 8 * (prefix_key.fields.text.at - at) + bits.length;
  const bytes = bits.match(/.{1,8}/g) ?? [];
  const text = Uint8Array.from(bytes, (byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
  return bytesOf(prefix_key, { prefix_bits, dim, text });
}

/** Key of binaries_exact: the path, NUL-padded. */
export function binaryKey(path: string): Uint8Array {
  const key = new Uint8Array(enums.text_limit.BINARY_SIZE);
  key.set(Buffer.from(path, "latin1"));
  return key;
}

/** struct binary_prefix_key */
export function binaryPrefixKey(prefix: string): Uint8Array {
  const path = Buffer.from(prefix, "latin1");
  return bytesOf(binary_prefix_key, { prefix_bits: 8 * prefix.length, path });
}
