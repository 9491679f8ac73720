import { reportedKind } from "./reported.ts";

/** Credentials: who a process is, and what it may. */
export const cred = reportedKind("cred");
