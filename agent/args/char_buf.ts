import { enums } from "../gen/layout.ts";
import type { ArgCodec } from "./codec.ts";

type CharBuf = {
  readonly type: "char_buf";
  /** Of the whole buffer in the call, in bytes; at least what was read. */
  readonly length: number;
  readonly bytes: Buffer;
};

/** Its payload is the size of the whole buffer, then the bytes that were read. */
export const char_buf = {
  ...{ code: enums.arg_type.ARG_CHAR_BUF, parts: { bytes: 0 }, isNumber: false, minBytes: 4 },
  decode: ({ records, start, size }) => ({
    type: "char_buf",
    length: Math.max(records.readUInt32LE(start), size - 4),
    bytes: records.subarray(start + 4, start + size),
  }),
  json(value) {
    const bytes = value.bytes.toString("base64");
    if (value.length === value.bytes.length) return `"bytes_arg":"${bytes}"`;
    const read = bytes === "" ? "" : `"bytes_arg":"${bytes}",`;
    return `"truncated_bytes_arg":{${read}"orig_size":"${value.length}"}`;
  },
} as const satisfies ArgCodec<CharBuf, "bytes">;
