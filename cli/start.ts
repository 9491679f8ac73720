import { fstatSync } from "node:fs";
import { type ExitCode, exit, type Io } from "./command.ts";

/** Runs a program on this process's streams and signals, and sets its exit code. */
export async function start(
  run: (argv: readonly string[], io: Io) => Promise<ExitCode>,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`))); // a second one kills
  }
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exit.ok); // whoever read our output has seen enough
  });

  const io: Io = {
    stdin: process.stdin,
    stdinIsPiped: isPiped(),
    stdout: process.stdout,
    stdoutIsTty: process.stdout.isTTY === true,
    stdoutColumns: process.stdout.columns,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: stop.signal,
  };

  try {
    process.exitCode = await run(process.argv.slice(2), io);
  } catch (error) {
    process.stderr.write(`guardbee: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = exit.rejected;
  }
}

/** No terminal and no /dev/null, as upstream decides it. */
function isPiped(): boolean {
  try {
    return !fstatSync(0).isCharacterDevice();
  } catch {
    return false; // standard input is closed
  }
}
