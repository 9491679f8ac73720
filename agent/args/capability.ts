import { capabilityName } from "@guardbee/policy/sets";
import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { textField } from "../json/json-text.ts";
import { numberCodec } from "./number.ts";

export const capability = numberCodec("capability", {
  code: enums.arg_type.ARG_CAPABILITY,
  read: (records, at) => records.readInt32LE(at),
  json: (value) => `"capability_arg":{"value":${value}${textField("name", capabilityName(value))}}`,
  wire: (value, out) => {
    const start = out.open(tags.KprobeArgument.capability_arg);
    out.wrapped(tags.KprobeCapability.value, value);
    out.text(tags.KprobeCapability.name, capabilityName(value));
    out.close(start);
  },
});
