import { enums, layout } from "../gen/layout.ts";
import { TaintedBitsType, tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { WireWriter } from "../wire/writer.ts";
import type { ArgCodec, Payload } from "./codec.ts";

const headBytes = layout.module_payload.size;
const at = offsetsOf(layout.module_payload);

/** A kernel module, as an event has it. */
type Module<Type extends string> = {
  readonly type: Type;
  readonly name: string;
  readonly taints: bigint;
  /** Of one that is loaded by a kernel that checks: whether its signature is right. */
  readonly isSigned: boolean | undefined;
};

/** The codec of a module: its payload is what is known of it, then its name. */
function moduleCodec<Type extends string>(type: Type, code: number) {
  return {
    ...{ code, parts: {}, isNumber: false, minBytes: headBytes },
    decode: ({ records, start, size }: Payload): Module<Type> => {
      const signature = records.readUInt32LE(start + at.u32.signature);
      return {
        ...{ type, name: records.toString("utf8", start + headBytes, start + size) },
        taints: records.readBigUInt64LE(start + at.u64.taints),
        isSigned:
          signature === enums.module_signature.SIGNATURE_UNKNOWN
            ? undefined
            : signature === enums.module_signature.SIGNATURE_RIGHT,
      };
    },
    json: ({ name, taints, isSigned }: Module<Type>) => {
      const words = taintsIn(taints);
      const fields = [
        textField("name", name),
        isSigned === undefined ? "" : `,"signature_ok":${isSigned}`,
        words.length === 0 ? "" : `,"tainted":${JSON.stringify(words)}`,
      ].join("");
      return `"module_arg":{${fields.slice(1)}}`;
    },
    wire: ({ name, taints, isSigned }: Module<Type>, out: WireWriter) => {
      const start = out.open(tags.KprobeArgument.module_arg);
      out.text(tags.KernelModule.name, name);
      if (isSigned !== undefined) out.wrapped(tags.KernelModule.signature_ok, Number(isSigned));
      out.list(
        tags.KernelModule.tainted,
        taintsIn(taints).map((word) => TaintedBitsType[word]),
      );
      out.close(start);
    },
  } as const satisfies ArgCodec<Module<Type>, never>;
}

export const module = moduleCodec("module", enums.arg_type.ARG_MODULE);
export const load_info = moduleCodec("load_info", enums.arg_type.ARG_LOAD_INFO);

/** What upstream calls a module's taints, by bit. */
const taintNames: Readonly<Record<number, keyof typeof TaintedBitsType>> = {
  ...{ 0: "TAINT_PROPRIETARY_MODULE", 1: "TAINT_FORCED_MODULE", 2: "TAINT_FORCED_UNLOAD_MODULE" },
  ...{ 10: "TAINT_STAGED_MODULE", 12: "TAINT_OUT_OF_TREE_MODULE", 13: "TAINT_UNSIGNED_MODULE" },
  ...{ 15: "TAINT_KERNEL_LIVE_PATCH_MODULE", 18: "TAINT_TEST_MODULE" },
};

function taintsIn(taints: bigint): readonly (keyof typeof TaintedBitsType)[] {
  return Object.entries(taintNames).flatMap(([bit, name]) =>
    (taints >> BigInt(bit)) & 1n ? [name] : [],
  );
}
