import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { type Io, UsageError } from "../command.ts";

export type OpaRun = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The opa program that `io` has in OPA or on its PATH. UsageError when there is none. */
export async function opaOf(io: Io): Promise<string> {
  const { findOpa } = await import("@guardbee/operator/offline");
  try {
    return await findOpa(io.env);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Runs opa in `cwd` until it ends, whatever its exit code; one that was killed has 1. */
export async function runOpa(args: readonly string[], cwd: string, io: Io): Promise<OpaRun> {
  const program = await opaOf(io);
  const { signal } = io;
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(program, args, { cwd, signal, stdio: [...stdio] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    ended,
  ]);
  return { code, stdout, stderr };
}

/** What opa says is wrong, and why Guardbee refuses what it takes for unknown. */
export async function withReasons(text: string): Promise<string> {
  const { refusalsIn } = await import("@guardbee/operator/offline");
  return (
    text +
    refusalsIn(text)
      .map((line) => `${line}\n`)
      .join("")
  );
}
