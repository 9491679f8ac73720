import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { jsonText } from "../json/json-text.ts";
import type { ArgCodec } from "./codec.ts";

type Device = { readonly type: "net_device"; readonly name: string };

/** Its payload is the name without NUL. As upstream, an event has it as a text. */
export const net_device = {
  ...{ code: enums.arg_type.ARG_NET_DEVICE, parts: { name: 0 }, isNumber: false, minBytes: 0 },
  decode: ({ records, start, size }) => ({
    ...{ type: "net_device", name: records.toString("utf8", start, start + size) },
  }),
  json: ({ name }) => `"string_arg":${jsonText(name)}`,
  wire: ({ name }, out) => out.textSet(tags.KprobeArgument.string_arg, name),
} as const satisfies ArgCodec<Device, "name">;
