import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const size_t = numberCodec("size_t", {
  code: enums.arg_type.ARG_SIZE,
  read: (records, at) => records.readBigUInt64LE(at),
  json: (value) => `"size_arg":"${value}"`,
  wire: (value, out) => out.bigSet(tags.KprobeArgument.size_arg, value),
});
