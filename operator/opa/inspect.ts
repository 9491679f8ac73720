import { type Clock, orAborted, systemClock, withDeadline } from "@guardbee/kube";
import type { Problem } from "@guardbee/policy";
import { builtins as supplied } from "./builtins/index.ts";
import type { ModuleFacts } from "./messages.ts";
import { reasonAgainst } from "./refused-builtins.ts";
import { WorkerThread } from "./worker-thread.ts";

export type { ModuleFacts };

/**
 * What a compiled module says of itself. It has to run for that, so this is done in a worker with a
 * deadline (default 10 s) and 16 MiB of memory. Throws when it is no module of `opa build`, or of
 * an ABI other than 1.2 and later 1.x.
 */
export async function inspectModule(
  module: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
  options: { readonly clock?: Clock; readonly deadlineMs?: number } = {},
): Promise<ModuleFacts> {
  const { clock = systemClock, deadlineMs = 10_000 } = options;
  const start = { module, initialPages: 16, maximumPages: 256, maximumResultBytes: 0 };
  const thread = new WorkerThread(start, () => {});
  const error = () => new Error(`policy.wasm: did not start within ${deadlineMs} ms`);
  try {
    return await withDeadline(clock, { ms: deadlineMs, error }, signal, (limited) =>
      orAborted(thread.ready, limited),
    );
  } catch (cause) {
    if (signal.aborted) throw cause;
    const what = (cause as Error).message;
    throw new Error(what.startsWith("policy.wasm:") ? what : `policy.wasm: ${what}`, { cause });
  } finally {
    await thread.terminate();
  }
}

/** Why a module cannot be used for `entryPoints`; empty when it can. */
export function moduleProblems(
  facts: ModuleFacts,
  entryPoints: readonly string[],
): readonly Problem[] {
  const problem = (what: string, fix: string): Problem => ({
    ...{ field: "policy.wasm", what, fix, kind: "invalid" },
  });
  const lacking = entryPoints
    .filter((name) => !facts.entryPoints.includes(name))
    .map((name) => {
      const has = facts.entryPoints.join(", ");
      return problem(`has no entry point ${name}, but ${has}`, `build it with -e ${name}`);
    });
  const unknown = facts.builtins
    .filter((name) => supplied[name] === undefined)
    .map((name) => problem(`calls ${name}, which is not supplied`, reasonAgainst(name)));
  return [...lacking, ...unknown];
}
