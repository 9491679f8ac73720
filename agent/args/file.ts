import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const file = pathCodec("file", enums.arg_type.ARG_FILE, { inPlace: "struct file *" });
