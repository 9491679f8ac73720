import { reportedKind } from "./reported.ts";

/** A kernel module that is being loaded. */
export const load_info = reportedKind("load_info");
