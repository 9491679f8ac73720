import { dirname } from "node:path";

/** The repository that this is. */
export const repositoryRoot = dirname(import.meta.dirname);
