import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const dentry = pathCodec("dentry", enums.arg_type.ARG_DENTRY, { member: "path_arg" });
