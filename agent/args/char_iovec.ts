import { enums } from "../gen/layout.ts";
import { bytesCodec } from "./char_buf.ts";

export const char_iovec = bytesCodec("char_iovec", enums.arg_type.ARG_CHAR_IOVEC, {
  bytes: 0,
  tail: 0,
});
