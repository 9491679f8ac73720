import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { ArgCodec } from "./codec.ts";

const headBytes = layout.const_buf_payload.size;
const { element: elementAt } = offsetsOf(layout.const_buf_payload).u32;

type ConstBuf = {
  readonly type: "const_buf";
  /** Bytes of one. */
  readonly element: number;
  readonly bytes: Buffer;
};

/** Its payload is the size of an element, then all of them. */
export const const_buf = {
  ...{
    code: enums.arg_type.ARG_CONST_BUF,
    parts: {},
    isNumber: false,
    minBytes: headBytes,
  },
  decode: ({ records, start, size }) => ({
    type: "const_buf",
    element: records.readUInt32LE(start + elementAt),
    bytes: records.subarray(start + headBytes, start + size),
  }),
  /** As upstream, each number of 8 bytes is an argument of its own. */
  shownAs({ element, bytes }) {
    if (element !== 8) return undefined;
    const read = (_: unknown, i: number) => bytes.readBigUInt64LE(i * element);
    return Array.from({ length: bytes.length / element }, read).map((value) => ({
      ...({ type: "size_t", value } as const),
    }));
  },
  json: ({ bytes }) => `"bytes_arg":"${bytes.toString("base64")}"`,
  wire: ({ bytes }, out) => out.bytesSet(tags.KprobeArgument.bytes_arg, bytes),
} as const satisfies ArgCodec<ConstBuf, never>;
