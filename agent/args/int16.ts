import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const int16 = numberCodec("int16", {
  code: enums.arg_type.ARG_INT16,
  read: (records, at) => records.readInt16LE(at),
  json: (value) => `"int_arg":${value}`,
  wire: (value, out) => out.intSet(tags.KprobeArgument.int_arg, value),
});
