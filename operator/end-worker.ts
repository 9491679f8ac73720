import type { Worker } from "node:worker_threads";
import type { Clock } from "@guardbee/kube";

/** After which nobody waits for a thread any more. */
const patienceMs = 1_000;

/**
 * Ends a worker thread. False when it had not ended within a second: V8 stops a thread only where that
 * lets itself be stopped, and terminate() was seen never to come back. It is left to itself then.
 */
export async function endWorker(worker: Pick<Worker, "terminate">, clock: Clock): Promise<boolean> {
  const ended = new AbortController();
  const late = clock.sleep(patienceMs, ended.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([worker.terminate().then(() => true), late]);
  } finally {
    ended.abort();
  }
}
