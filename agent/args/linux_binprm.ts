import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

export const linux_binprm = pathCodec("linux_binprm", enums.arg_type.ARG_LINUX_BINPRM, {
  member: "linux_binprm_arg",
  inPlace: "struct linux_binprm *",
});
