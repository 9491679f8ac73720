import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const uint64 = numberCodec("uint64", {
  code: enums.arg_type.ARG_UINT64,
  read: (records, at) => records.readBigUInt64LE(at),
  json: (value) => `"size_arg":"${value}"`,
  wire: (value, out) => out.bigSet(tags.KprobeArgument.size_arg, value),
});
