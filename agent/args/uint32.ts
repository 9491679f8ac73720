import { enums } from "../gen/layout.ts";
import { numberCodec } from "./number.ts";

export const uint32 = numberCodec("uint32", {
  code: enums.arg_type.ARG_UINT32,
  read: (records, at) => records.readUInt32LE(at),
  json: (value) => `"uint_arg":${value}`,
});
