import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const path = pathCodec("path", enums.arg_type.ARG_PATH, {
  member: "path_arg",
  inPlace: "struct path *",
});
