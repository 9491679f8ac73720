import { enums } from "../gen/layout.ts";
import { numberCodec } from "./number.ts";

export const uint16 = numberCodec("uint16", {
  code: enums.arg_type.ARG_UINT16,
  read: (records, at) => records.readUInt16LE(at),
  json: (value) => `"uint_arg":${value}`,
});
