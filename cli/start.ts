import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { Readable } from "node:stream";
import { oneLine } from "@guardbee/policy/printable";
import { type ExitCode, exit, type Io } from "./command.ts";
import { Output } from "./output.ts";

/** Runs a program on this process's streams and signals, and sets its exit code. */
export async function start(
  run: (argv: readonly string[], io: Io) => Promise<ExitCode>,
): Promise<void> {
  const stop = new AbortController();
  let stoppedBy = 0;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      stoppedBy = constants.signals[name];
      stop.abort(new Error(`stopped by ${name}`)); // a second one kills
    });
  }
  const [stdout, stderr] = [new Output(process.stdout), new Output(process.stderr)];
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exit.ok); // whoever read our output has seen enough
    stderr.write(`guardbee: standard output: ${error.message}; nothing more is written\n`);
    process.exit(exit.unwritten);
  });
  process.stderr.on("error", () => {}); // there is nowhere left to say so
  process.on("uncaughtException", (error) => {
    stderr.write(`guardbee: ${stackOf(error)}\n`);
    process.exit(exit.rejected);
  });

  const io: Io = {
    stdin: standardInput(),
    stdinIsPiped: isPiped(),
    stdout,
    stdoutIsTty: process.stdout.isTTY === true,
    stdoutColumns: process.stdout.columns,
    stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: stop.signal,
  };

  try {
    process.exitCode = await run(process.argv.slice(2), io);
  } catch (error) {
    if (stoppedBy !== 0 && isStop(error, stop.signal.reason)) {
      process.exitCode = 128 + stoppedBy; // as a shell counts it: nobody is to be told what they did
      return;
    }
    stderr.write(`guardbee: ${stackOf(error)}\n`);
    process.exitCode = exit.rejected;
  }
}

/** Node reads a folder as if it were empty. */
function standardInput(): Readable {
  if (!isFolder()) return process.stdin;
  return new Readable({
    read() {
      this.destroy(new Error("EISDIR: standard input is a folder"));
    },
  });
}

/** Node's own functions wrap the reason of an abort. */
function isStop(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.cause === reason);
}

/** A bug with where it is, for a report of it; what the system refused in one line. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isSystems = "syscall" in error && "errno" in error;
  return isSystems ? oneLine(error.message) : (error.stack ?? error.message);
}

/** No terminal and no /dev/null, as upstream decides it. */
function isPiped(): boolean {
  try {
    return !fstatSync(0).isCharacterDevice();
  } catch {
    return false; // standard input is closed
  }
}

function isFolder(): boolean {
  try {
    return fstatSync(0).isDirectory();
  } catch {
    return false;
  }
}
