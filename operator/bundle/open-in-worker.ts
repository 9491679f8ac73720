import { Worker } from "node:worker_threads";
import { type Clock, withDeadline } from "@guardbee/kube";
import { endWorker } from "../end-worker.ts";
import type { Bundle } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import type { OpenRequest } from "./open-bundle.ts";
import type { OpenMessage } from "./open-messages.ts";

/**
 * As openBundle, in a thread of its own: what a bundle costs in time, which its author decides, holds up
 * nobody else and ends at `limit`, as `TooLarge`. The sizes of files bound what it costs in memory.
 */
export function openInWorker(
  request: OpenRequest,
  limit: { readonly clock: Clock; readonly ms: number },
  signal: AbortSignal,
): Promise<Bundle> {
  const { clock, ms } = limit;
  const error = () =>
    new BundleError(
      "TooLarge",
      `bundle: takes more than ${ms} ms to unpack; leave out what the policy does not need, write YAML as JSON`,
    );
  return withDeadline(clock, { ms, error }, signal, async (limited) => {
    const worker = new Worker(new URL(import.meta.resolve("#open-worker")), {
      workerData: request,
    });
    try {
      return toBundle(await messageOf(worker, limited));
    } finally {
      await endWorker(worker, clock);
    }
  });
}

function messageOf(worker: Worker, signal: AbortSignal): Promise<OpenMessage> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      signal.removeEventListener("abort", abort);
      reject(new Error(`the thread that opens bundles ended with ${code}`)); // unless it has answered
    });
  });
}

function toBundle(message: OpenMessage): Bundle {
  if (message.kind === "refused") throw new BundleError(message.reason, message.message);
  const { wasm, ...rest } = message.bundle;
  const data = JSON.parse(message.data) as Bundle["data"];
  return wasm === undefined ? { ...rest, data } : { ...rest, data, wasm };
}
