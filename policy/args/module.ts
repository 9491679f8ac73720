import { reportedKind } from "./reported.ts";

/** A kernel module that is there. */
export const module = reportedKind("module");
