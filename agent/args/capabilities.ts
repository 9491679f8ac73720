import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

type SetType = "kernel_cap_t" | "cap_inheritable" | "cap_permitted" | "cap_effective";

/** The codec of a set of capabilities. In JSON it is 16 hexadecimal digits. */
export function capabilitySetCodec<Type extends SetType>(type: Type, code: number) {
  const { parts: _, ...codec } = numberCodec(type, {
    code,
    read: (records, at) => records.readBigUInt64LE(at),
    json: (bits) => `"${type}_arg":"${digitsOf(bits)}"`,
    wire: (bits, out) => out.textSet(tags.KprobeArgument[`${type}_arg`], digitsOf(bits)),
  });
  // Behind a pointer: an event may have an error in its place.
  return { ...codec, parts: { bits: 0 }, isNumber: false } as const;
}

function digitsOf(bits: bigint): string {
  return bits.toString(16).padStart(16, "0");
}
