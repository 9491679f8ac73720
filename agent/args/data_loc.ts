import { enums } from "../gen/layout.ts";
import { textCodec } from "./string.ts";

export const data_loc = textCodec("data_loc", enums.arg_type.ARG_DATA_LOC);
