import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const uint32 = numberCodec("uint32", {
  code: enums.arg_type.ARG_UINT32,
  read: (records, at) => records.readUInt32LE(at),
  json: (value) => `"uint_arg":${value}`,
  wire: (value, out) => out.uintSet(tags.KprobeArgument.uint_arg, value),
});
