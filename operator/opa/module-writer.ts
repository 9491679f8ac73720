import { moduleHeader, type Section } from "./module-reader.ts";

/** The module that has these sections. */
export function writeSections(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections.flatMap(({ id, content }) => [Uint8Array.of(id), sized(content)]);
  return joined([Uint8Array.from(moduleHeader), ...parts]);
}

/** `content` behind its length. */
export function sized(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return joined([unsigned(content.byteLength), content]);
}

/** A vector: how many, then each. */
export function vector(members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joined([unsigned(members.length), ...members]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** Unsigned LEB128 of a whole number below 2^32. */
export function unsigned(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** Signed LEB128 of a whole number from 0 on, below 2^31, as the operand of `i32.const`. */
export function signed(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
