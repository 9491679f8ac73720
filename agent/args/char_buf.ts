import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { ArgCodec } from "./codec.ts";

const headBytes = layout.char_buf_payload.size;
const { size: sizeAt } = offsetsOf(layout.char_buf_payload).u32;

type CharBuf = {
  readonly type: "char_buf";
  /** Of the whole buffer in the call, in bytes; at least what was read. */
  readonly length: number;
  readonly bytes: Buffer;
};

/** Its payload is the size of the whole buffer, then the bytes that were read. */
export const char_buf = {
  ...{
    code: enums.arg_type.ARG_CHAR_BUF,
    parts: { bytes: 0 },
    isNumber: false,
    minBytes: headBytes,
  },
  decode: ({ records, start, size }) => ({
    type: "char_buf",
    length: Math.max(records.readUInt32LE(start + sizeAt), size - headBytes),
    bytes: records.subarray(start + headBytes, start + size),
  }),
  json(value) {
    const bytes = value.bytes.toString("base64");
    if (value.length === value.bytes.length) return `"bytes_arg":"${bytes}"`;
    const read = bytes === "" ? "" : `"bytes_arg":"${bytes}",`;
    return `"truncated_bytes_arg":{${read}"orig_size":"${value.length}"}`;
  },
  wire({ bytes, length }, out) {
    if (length === bytes.length) {
      out.bytesSet(tags.KprobeArgument.bytes_arg, bytes);
      return;
    }
    const start = out.open(tags.KprobeArgument.truncated_bytes_arg);
    if (bytes.length > 0) out.bytesSet(tags.KprobeTruncatedBytes.bytes_arg, bytes);
    out.uint(tags.KprobeTruncatedBytes.orig_size, length);
    out.close(start);
  },
} as const satisfies ArgCodec<CharBuf, "bytes">;
