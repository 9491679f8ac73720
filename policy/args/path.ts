import { pathKind } from "./file-path.ts";

/** A `struct path *`. */
export const path = pathKind("path");
