import { execFile } from "node:child_process";
import { promisify } from "node:util";

export type OpaOptions = {
  /** The opa program; see findOpa. */
  readonly opa: string;
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Default 30 s. */
  readonly deadlineMs?: number;
};

export type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Of what opa prints, far more than it prints of a policy. */
const mostBytes = 64 << 20;

/** Runs opa until it ends, whatever its exit code. Throws when it cannot be run or takes too long. */
export async function runOpa(args: readonly string[], options: OpaOptions): Promise<Run> {
  const { opa, cwd, signal, deadlineMs = 30_000 } = options;
  const limits = { timeout: deadlineMs, killSignal: "SIGKILL", maxBuffer: mostBytes } as const;
  const env = { GOMEMLIMIT: "512MiB", TZ: "UTC" }; // and nothing of ours: Rego must not depend on it
  try {
    const { stdout, stderr } = await run(opa, args, { ...limits, env, cwd, signal });
    return { code: 0, stdout, stderr };
  } catch (cause) {
    signal.throwIfAborted();
    const { code, killed, stdout, stderr, message } = cause as ExecError;
    if (typeof code === "number") return { code, stdout, stderr };
    const what = killed ? `took over ${deadlineMs} ms; make the policy smaller` : message;
    throw new Error(`opa ${args[0]}: ${what}`, { cause });
  }
}

const run = promisify(execFile);

type ExecError = Error & {
  readonly code: number | string | null;
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
};
