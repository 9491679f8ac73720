import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const int8 = numberCodec("int8", {
  code: enums.arg_type.ARG_INT8,
  read: (records, at) => records.readInt8(at),
  json: (value) => `"int_arg":${value}`,
  wire: (value, out) => out.intSet(tags.KprobeArgument.int_arg, value),
});
