/** Writes WebAssembly modules by hand: what no compiler of ours would write, for tests. */

/** Unsigned LEB128. */
export function u32(value: number): readonly number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...u32(Math.floor(value / 128))];
}

/** Signed LEB128 of an `i32.const`, its opcode with it. */
export function i32Const(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      return [0x41, ...bytes, low];
    }
    bytes.push(low | 0x80);
  }
}

export function text(value: string): readonly number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...u32(bytes.length), ...bytes];
}

/** A count and the items. */
export function list(items: readonly (readonly number[])[]): readonly number[] {
  return [...u32(items.length), ...items.flat()];
}

export function section(id: number, content: readonly number[]): readonly number[] {
  return [id, ...u32(content.length), ...content];
}

export function encodeModule(...sections: readonly (readonly number[])[]) {
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

/** A function without locals; `end` is added. */
export function body(...instructions: readonly (readonly number[])[]): readonly number[] {
  return sized([0, ...instructions.flat(), 0x0b]);
}

/** Bytes behind their number. */
export function sized(bytes: readonly number[]): readonly number[] {
  return [...u32(bytes.length), ...bytes];
}

/** `i32`s to `i32`s. */
export function functionType(params: number, results: number): readonly number[] {
  const i32s = (count: number) => list(Array.from({ length: count }, () => [0x7f]));
  return [0x60, ...i32s(params), ...i32s(results)];
}
