import type { Writable } from "node:stream";
import { printable } from "@guardbee/policy/printable";
import { type Styled, withoutColors } from "./paint.ts";

/**
 * Standard output or standard error: the only way to print. Text of nodes, pods, policies, events,
 * files and servers may be in everything that is written, so all of it is made printable here; the
 * colours of `render` are the only escapes that get through.
 */
export class Output {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** false: more than the reader takes is waiting; see `drained`. */
  write(text: string): boolean {
    return this.#stream.write(printable(text));
  }

  /** A line with colours of ours. */
  writeLine(line: Styled): boolean {
    return this.#stream.write(`${withoutColors(line, printable)}\n`);
  }

  /** Empties a terminal, for what is shown there in place of what was. */
  clearScreen(): boolean {
    return this.#stream.write("\u001b[H\u001b[2J\u001b[3J");
  }

  /** As they are, for programs: a terminal is never given bytes. */
  writeBytes(bytes: Uint8Array): boolean {
    return this.#stream.write(bytes);
  }

  /** Resolves when the reader has taken what was written, or is gone. Rejects with `signal.reason`. */
  drained(signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    const events = ["drain", "close", "error"] as const;
    return new Promise((resolve, reject) => {
      const end = () => {
        for (const event of events) stream.off(event, end);
        signal.removeEventListener("abort", end);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      for (const event of events) stream.once(event, end);
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted || stream.destroyed) end();
    });
  }
}
