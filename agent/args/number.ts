import type { WireWriter } from "../wire/writer.ts";
import type { ArgCodec, Payload } from "./codec.ts";

/** The codec of a number that is in the register itself. */
export function numberCodec<Type extends string, Value extends number | bigint>(
  type: Type,
  {
    code,
    read,
    json,
    wire,
  }: {
    readonly code: number;
    readonly read: (records: Buffer, at: number) => Value;
    readonly json: (value: Value) => string;
    readonly wire: (value: Value, out: WireWriter) => void;
  },
) {
  return {
    ...{ code, parts: { value: 0 }, isNumber: true, minBytes: 8 },
    decode: ({ records, start }: Payload) => ({ type, value: read(records, start) }),
    json: ({ value }: { readonly value: Value }) => json(value),
    wire: ({ value }: { readonly value: Value }, out: WireWriter) => wire(value, out),
  } as const satisfies ArgCodec<{ readonly type: Type; readonly value: Value }, "value">;
}
