import { pathKind } from "./file-path.ts";

/** A `struct kiocb *`, by the path of the file that is read or written. */
export const kiocb = pathKind("kiocb");
