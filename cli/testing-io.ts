import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import type { Io } from "./command.ts";
import { Output } from "./output.ts";

/**
 * An Io whose output can be read back, for tests; `printed` resolves with the next piece of it.
 * Without `stdin` nothing is piped in.
 */
export function anIo(
  change: Partial<Omit<Io, "stdin">> & { readonly stdin?: string | Buffer } = {},
): {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
  readonly printed: () => Promise<unknown>;
} {
  const { stdin, ...rest } = change;
  const [stdout, stderr] = [new Collected(), new Collected()];
  const io: Io = {
    stdin: Readable.from(stdin === undefined ? [] : [Buffer.from(stdin)]),
    stdinIsPiped: stdin !== undefined,
    ...{
      stdout: new Output(stdout),
      stderr: new Output(stderr),
      stdoutIsTty: false,
      stdoutColumns: undefined,
      env: {},
      cwd: process.cwd(),
    },
    signal: new AbortController().signal,
    ...rest,
  };
  const printed = () => once(stdout, "collected");
  return { io, out: () => stdout.text, err: () => stderr.text, printed };
}

class Collected extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.emit("collected");
    done();
  }
}
