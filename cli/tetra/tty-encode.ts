import type { EventLine } from "../event-line.ts";

/** What an event writes to `file`; undefined: nothing. */
export function ttyBytes({ kind, event }: EventLine, file: string): Buffer | undefined {
  if (kind !== "process_kprobe") return undefined;
  const [target, written] = event.list("args");
  if (target?.get("file_arg").text("path") !== file) return undefined;
  return Buffer.from(written?.text("bytes_arg") ?? "", "base64");
}
