import { enums } from "../gen/layout.ts";
import { pathCodec } from "./path.ts";

export const fd = pathCodec("fd", enums.arg_type.ARG_FD);
