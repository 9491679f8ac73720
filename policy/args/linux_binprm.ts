import { pathKind } from "./file-path.ts";

/** A `struct linux_binprm *`, by the path of what is executed. */
export const linux_binprm = pathKind("linux_binprm");
