import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const kiocb = pathCodec("kiocb", enums.arg_type.ARG_KIOCB, { inPlace: "struct kiocb *" });
