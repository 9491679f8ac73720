import { enums } from "../gen/layout.ts";
import { pathCodec } from "./file-path.ts";

const { BINPRM_FORMAT, BINPRM_USER, BINPRM_GROUP } = enums.binprm_part;
const { BINPRM_FROM_IMAGE, BINPRM_INTERACTIVE, BINPRM_STARTS_CONTAINER } = enums.binprm_part;
const { BINPRM_INTERPRETER, BINPRM_SCRIPT, BINPRM_DIGEST } = enums.binprm_part;

const ofFile = pathCodec("linux_binprm", enums.arg_type.ARG_LINUX_BINPRM, {
  member: "linux_binprm_arg",
  inPlace: "struct linux_binprm *",
});

export const linux_binprm = {
  ...ofFile,
  parts: {
    path: 0,
    ...{ format: BINPRM_FORMAT, user: BINPRM_USER, group: BINPRM_GROUP },
    ...{ fromImage: BINPRM_FROM_IMAGE, interactive: BINPRM_INTERACTIVE },
    ...{ startsContainer: BINPRM_STARTS_CONTAINER, interpreter: BINPRM_INTERPRETER },
    ...{ script: BINPRM_SCRIPT, digest: BINPRM_DIGEST },
  },
} as const;
