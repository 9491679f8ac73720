import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { WireWriter } from "../wire/writer.ts";
import type { ArgCodec, Payload } from "./codec.ts";

const headBytes = layout.char_buf_payload.size;
const { size: sizeAt } = offsetsOf(layout.char_buf_payload).u32;

/** Bytes of a process, as an event has them. */
type Bytes<Type extends string> = {
  readonly type: Type;
  /** Of the whole buffer in the call, in bytes; at least what was read. */
  readonly length: number;
  readonly bytes: Buffer;
};

/** The codec of bytes: its payload is the size of the whole buffer, then the bytes that were read. */
export function bytesCodec<Type extends string, Parts extends Readonly<Record<string, number>>>(
  type: Type,
  code: number,
  parts: Parts,
) {
  return {
    ...{ code, parts, isNumber: false, minBytes: headBytes },
    decode: ({ records, start, size }: Payload): Bytes<Type> => ({
      type,
      length: Math.max(records.readUInt32LE(start + sizeAt), size - headBytes),
      bytes: records.subarray(start + headBytes, start + size),
    }),
    json(value: Bytes<Type>): string {
      const bytes = value.bytes.toString("base64");
      if (value.length === value.bytes.length) return `"bytes_arg":"${bytes}"`;
      const read = bytes === "" ? "" : `"bytes_arg":"${bytes}",`;
      return `"truncated_bytes_arg":{${read}"orig_size":"${value.length}"}`;
    },
    wire({ bytes, length }: Bytes<Type>, out: WireWriter): void {
      if (length === bytes.length) {
        out.bytesSet(tags.KprobeArgument.bytes_arg, bytes);
        return;
      }
      const start = out.open(tags.KprobeArgument.truncated_bytes_arg);
      if (bytes.length > 0) out.bytesSet(tags.KprobeTruncatedBytes.bytes_arg, bytes);
      out.uint(tags.KprobeTruncatedBytes.orig_size, length);
      out.close(start);
    },
  } as const satisfies ArgCodec<Bytes<Type>, keyof Parts & string>;
}

export const char_buf = bytesCodec("char_buf", enums.arg_type.ARG_CHAR_BUF, { bytes: 0 });
