import { enums } from "../gen/layout.ts";
import { jsonText } from "../json/json-text.ts";
import type { ArgCodec } from "./codec.ts";

type Text = { readonly type: "string"; readonly text: string };

/** Its payload is the text without NUL; what is no UTF-8 becomes U+FFFD. */
export const string = {
  ...{ code: enums.arg_type.ARG_STRING, parts: { text: 0, tail: 0 }, isNumber: false, minBytes: 0 },
  decode: ({ records, start, size }) => ({
    ...{ type: "string", text: records.toString("utf8", start, start + size) },
  }),
  json: ({ text }) => `"string_arg":${jsonText(text)}`,
} as const satisfies ArgCodec<Text, "text" | "tail">;
