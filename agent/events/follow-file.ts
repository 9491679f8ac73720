import { type FileHandle, open, stat } from "node:fs/promises";
import type { Clock } from "@guardbee/kube";

export type FollowOptions = {
  readonly path: string;
  /** Where to start in the file that is there; files that come after it are read from the start. */
  readonly from: "start" | "end";
  /** Whole lines, each with its `\n`. Awaited, so that a slow receiver is not overrun. */
  readonly onLines: (lines: Buffer) => void | Promise<void>;
  readonly clock: Clock;
  /** How often to look for more; default 250 ms. */
  readonly pollMs?: number;
};

/**
 * Gives on what is appended to a file until aborted. It waits for a file that is not there yet, and
 * when the file is rotated away, replaced or emptied it reads the old one to its end and goes on
 * with the new one. Two rotations within one poll lose the file between them.
 */
export async function followFile(options: FollowOptions, signal: AbortSignal): Promise<void> {
  let from = options.from;
  let unended: Buffer = Buffer.alloc(0);
  const deliver = async (bytes: Buffer) => {
    const all = unended.length === 0 ? bytes : Buffer.concat([unended, bytes]);
    const end = all.lastIndexOf(newline) + 1;
    unended = all.subarray(end);
    if (end > 0) await options.onLines(all.subarray(0, end));
  };
  try {
    for (;;) {
      const file = await open(options.path, "r").catch(noneYet);
      if (file !== undefined) {
        try {
          await readUntilReplaced(file, { ...options, from, deliver }, signal);
        } finally {
          await file.close();
        }
        if (unended.length > 0) await deliver(Buffer.from("\n")); // its writer died within a line
        from = "start";
        continue;
      }
      from = "start"; // whatever is in the file when it comes is new
      await options.clock.sleep(options.pollMs ?? 250, signal);
    }
  } catch (error) {
    if (error !== signal.reason) throw error; // abort is the normal end
  }
}

type Reading = FollowOptions & { readonly deliver: (bytes: Buffer) => Promise<void> };

/** Returns when another file has the path, or this one got shorter, and all of it was delivered. */
async function readUntilReplaced(
  file: FileHandle,
  { path, from, deliver, clock, pollMs = 250 }: Reading,
  signal: AbortSignal,
): Promise<void> {
  const opened = await file.stat({ bigint: true });
  let at = from === "end" ? Number(opened.size) : 0;
  const chunk = Buffer.alloc(chunkBytes);
  for (;;) {
    signal.throwIfAborted();
    const named = await stat(path, { bigint: true }).catch(noneYet); // before the read: no gap
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    at += bytesRead;
    if (bytesRead > 0) {
      await deliver(Buffer.from(chunk.subarray(0, bytesRead)));
      continue;
    }
    const replaced = named !== undefined && (named.ino !== opened.ino || named.dev !== opened.dev);
    if (replaced || (named !== undefined && named.size < at)) return;
    await clock.sleep(pollMs, signal);
  }
}

const newline = 0x0a;
const chunkBytes = 64 * 1024;

/** undefined when the file is not there; anything else is a reason to stop. */
function noneYet(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
