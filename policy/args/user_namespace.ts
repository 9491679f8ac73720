import { reportedKind } from "./reported.ts";

/** A user namespace. */
export const user_namespace = reportedKind("user_namespace");
