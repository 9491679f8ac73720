import { capabilityName } from "@guardbee/policy/sets";
import { enums } from "../gen/layout.ts";
import { textField } from "../json/json-text.ts";
import { numberCodec } from "./number.ts";

export const capability = numberCodec("capability", {
  code: enums.arg_type.ARG_CAPABILITY,
  read: (records, at) => records.readInt32LE(at),
  json: (value) => `"capability_arg":{"value":${value}${textField("name", capabilityName(value))}}`,
});
