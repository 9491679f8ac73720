import { join } from "node:path";
import { ensureBuilt } from "../build.ts";
import { type RunResult, run } from "../run.ts";
import { stateRoot } from "../state.ts";

/** The cluster's own kubectl; built first if the cache lacks it. */
export async function kubectlPath(): Promise<string> {
  return (await ensureBuilt(["kubernetes"])).kubectl!;
}

/** Runs kubectl as the administrator. `input` is its standard input, for `apply -f -`. */
export async function kubectl(args: readonly string[], input?: string): Promise<RunResult> {
  const env = { KUBECONFIG: join(stateRoot(), "kubeconfig") };
  const command = [await kubectlPath(), ...args];
  return run(command, input === undefined ? { env } : { env, input });
}

/** The standard output of kubectl; throws with its error output unless it ends with 0. */
export async function kubectlOutput(args: readonly string[], input?: string): Promise<string> {
  const result = await kubectl(args, input);
  if (result.exitCode === 0) return result.stdout;
  throw new Error(`kubectl ${args.join(" ")}: ended with ${result.exitCode}:\n${result.stderr}`);
}
