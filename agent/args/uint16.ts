import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const uint16 = numberCodec("uint16", {
  code: enums.arg_type.ARG_UINT16,
  read: (records, at) => records.readUInt16LE(at),
  json: (value) => `"uint_arg":${value}`,
  wire: (value, out) => out.uintSet(tags.KprobeArgument.uint_arg, value),
});
