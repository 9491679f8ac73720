import { capabilityName } from "@guardbee/policy/sets";
import type { SecureBitsType } from "../gen/wire-numbers.ts";

/** Names of the capabilities in a set; what has no name is left out. */
export function capabilitiesIn(bits: bigint): readonly string[] {
  return bitsIn(bits).map((bit) => capabilityName(bit)!);
}

/** Those that are a capability. */
export function bitsIn(bits: bigint): readonly number[] {
  return Array.from({ length: 64 }, (_, bit) => bit).filter(
    (bit) => (bits >> BigInt(bit)) & 1n && capabilityName(bit) !== undefined,
  );
}

/** By bit. */
const securebits = [
  ...(["SecBitNoRoot", "SecBitNoRootLocked", "SecBitNoSetUidFixup"] as const),
  ...(["SecBitNoSetUidFixupLocked", "SecBitKeepCaps", "SecBitKeepCapsLocked"] as const),
  ...(["SecBitNoCapAmbientRaise", "SecBitNoCapAmbientRaiseLocked"] as const),
] as const;

/** Upstream's names of those that are set. */
export function securebitsIn(bits: number): readonly (keyof typeof SecureBitsType)[] {
  return securebits.filter((_, bit) => (bits & (1 << bit)) !== 0);
}
