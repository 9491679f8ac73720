import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const fd = pathCodec("fd", enums.arg_type.ARG_FD);
