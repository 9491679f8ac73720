import { enums } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { jsonText } from "../json/json-text.ts";
import type { WireWriter } from "../wire/writer.ts";
import type { ArgCodec, Payload } from "./codec.ts";

/** The codec of a text: its payload is the text without NUL; what is no UTF-8 becomes U+FFFD. */
export function textCodec<Type extends string>(type: Type, code: number) {
  return {
    ...{ code, parts: { text: 0, tail: 0 }, isNumber: false, minBytes: 0 },
    decode: ({ records, start, size }: Payload) => ({
      ...{ type, text: records.toString("utf8", start, start + size) },
    }),
    json: ({ text }: { readonly text: string }) => `"string_arg":${jsonText(text)}`,
    wire: ({ text }: { readonly text: string }, out: WireWriter) =>
      out.textSet(tags.KprobeArgument.string_arg, text),
  } as const satisfies ArgCodec<{ readonly type: Type; readonly text: string }, "text" | "tail">;
}

export const string = textCodec("string", enums.arg_type.ARG_STRING);
