import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const int = numberCodec("int", {
  code: enums.arg_type.ARG_INT,
  read: (records, at) => records.readInt32LE(at),
  json: (value) => `"int_arg":${value}`,
  wire: (value, out) => out.intSet(tags.KprobeArgument.int_arg, value),
});
