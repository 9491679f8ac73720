import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { numberCodec } from "./number.ts";

export const uint8 = numberCodec("uint8", {
  code: enums.arg_type.ARG_UINT8,
  read: (records, at) => records.readUInt8(at),
  json: (value) => `"uint_arg":${value}`,
  wire: (value, out) => out.uintSet(tags.KprobeArgument.uint_arg, value),
});
