import { getSystemErrorName } from "node:util";
import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { ArgCodec } from "./codec.ts";

const { error_payload } = layout;
const { error: errorAt } = offsetsOf(error_payload).u32;

/** What stands for an argument that could not be read. */
type ArgError = { readonly type: "error"; readonly errno: number };

export const error = {
  ...{ code: enums.arg_type.ARG_ERROR, parts: {}, isNumber: false, minBytes: error_payload.size },
  decode: ({ records, start }) => ({ type: "error", errno: records.readUInt32LE(start + errorAt) }),
  json: ({ errno }) => `"error_arg":{"Message":"${messageOf(errno)}"}`,
  wire({ errno }, out) {
    const start = out.open(tags.KprobeArgument.error_arg);
    out.textSet(tags.KprobeError.Message, messageOf(errno));
    out.close(start);
  },
} as const satisfies ArgCodec<ArgError, never>;

function messageOf(errno: number): string {
  return `argument could not be read: ${errnoName(errno)}`;
}

/** `EFAULT`, or the number where Node knows no name. */
function errnoName(errno: number): string {
  if (errno < 1 || errno > 4095) return `errno ${errno}`;
  return getSystemErrorName(-errno);
}
