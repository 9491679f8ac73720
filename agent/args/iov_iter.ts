import { enums } from "../gen/layout.ts";
import { bytesCodec } from "./char_buf.ts";

export const iov_iter = bytesCodec("iov_iter", enums.arg_type.ARG_IOV_ITER, { bytes: 0, tail: 0 });
