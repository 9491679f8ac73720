import type { EventLine } from "./event-line.ts";
import { quoteIfNeeded } from "./go-quote.ts";
import type { Piece } from "./paint.ts";

/** Hooks of security modules whose first argument is a file, and of which upstream shows its hash. */
const ofFiles: ReadonlySet<string> = new Set([
  "file_ioctl",
  "file_lock",
  "file_open",
  "file_post_open",
  "file_receive",
  "mmap_file",
]);

/** The line below an event of a security module that says the hash of its file, as upstream shows it. */
export function hashLines({ kind, event }: EventLine): readonly (readonly (Piece | string)[])[] {
  const hash = event.text("ima_hash");
  if (kind !== "process_lsm" || hash === "") return [];
  const called = event.text("function_name");
  const kindOfArg = ofFiles.has(called)
    ? "file_arg"
    : called.startsWith("bprm_")
      ? "linux_binprm_arg"
      : undefined;
  if (kindOfArg === undefined) return [];
  const path = event.list("args")[0]?.get(kindOfArg).text("path") ?? "";
  return [["   ", quoteIfNeeded(path), " ", quoteIfNeeded(hash)]];
}
