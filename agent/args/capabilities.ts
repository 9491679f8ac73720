import { numberCodec } from "./number.ts";

/** The codec of a set of capabilities. In JSON it is 16 hexadecimal digits. */
export function capabilitySetCodec<Type extends string>(type: Type, code: number) {
  const { parts: _, ...codec } = numberCodec(type, {
    code,
    read: (records, at) => records.readBigUInt64LE(at),
    json: (bits) => `"${type}_arg":"${bits.toString(16).padStart(16, "0")}"`,
  });
  // Behind a pointer: an event may have an error in its place.
  return { ...codec, parts: { bits: 0 }, isNumber: false } as const;
}
