import { pathKind } from "./file-path.ts";

/** A `struct dentry *`, by its path within its file system. */
export const dentry = pathKind("dentry");
