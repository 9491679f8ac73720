import { enums } from "../gen/layout.ts";
import { textCodec } from "./string.ts";

export const filename = textCodec("filename", enums.arg_type.ARG_FILENAME);
