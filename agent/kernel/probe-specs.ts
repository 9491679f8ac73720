import { createHash } from "node:crypto";
import { type ProbeArg, parseProbeArg } from "../elf/probe-arg.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

const { PARAMETERS_MAX } = enums.engine_limit;

/**
 * Writes where a probe has its arguments to the map `usdt_specs`, if it is not there yet: the key that
 * it has. The same arguments have the same key, whoever writes them. Throws KernelError.
 */
export function rememberProbe(native: Native, specs: number, args: readonly string[]): number {
  const spec = encodeSpec(args);
  const found = Buffer.alloc(spec.length);
  let key = createHash("sha256").update(spec).digest().readUInt32LE();
  while (native.lookup(specs, u32(key), found) && !found.equals(spec)) key = (key + 1) >>> 0;
  native.update(specs, u32(key), spec);
  return key;
}

/** struct usdt_spec */
function encodeSpec(args: readonly string[]): Uint8Array {
  const places = Array.from({ length: PARAMETERS_MAX }, (_, i) => {
    const arg = parseProbeArg(args[i] ?? "");
    return arg === undefined ? nowhere : placeOf(arg);
  });
  return bytesOf(layout.usdt_spec, { args: places });
}

const { USDT_NOWHERE, USDT_CONSTANT, USDT_REGISTER, USDT_MEMORY } = enums.usdt_place;
const nowhere = {
  ...{ place: USDT_NOWHERE as number, value: 0n, base: 0, index: 0 },
  ...{ scale: 0, bytes: 0, is_signed: 0 },
};

function placeOf({ bytes, isSigned, at }: ProbeArg): typeof nowhere {
  const number = { ...nowhere, bytes, is_signed: isSigned ? 1 : 0 };
  switch (at.kind) {
    case "constant":
      return { ...number, place: USDT_CONSTANT, value: BigInt.asUintN(64, at.value) };
    case "register":
      return { ...number, place: USDT_REGISTER, base: at.register };
    case "memory":
      return {
        ...{ ...number, place: USDT_MEMORY, base: at.register },
        ...{ value: BigInt.asUintN(64, at.offset), index: at.index?.register ?? 0 },
        scale: at.index?.scale ?? 0,
      };
  }
}
