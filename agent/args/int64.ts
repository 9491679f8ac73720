import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const int64 = numberCodec("int64", {
  code: enums.arg_type.ARG_INT64,
  read: (records, at) => records.readBigInt64LE(at),
  json: (value) => `"long_arg":"${value}"`,
  wire: (value, out) => out.bigSet(tags.KprobeArgument.long_arg, value),
});
