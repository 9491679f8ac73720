import { parentPort, workerData } from "node:worker_threads";
import { BundleError } from "./bundle-error.ts";
import { type OpenRequest, openBundle } from "./open-bundle.ts";
import type { OpenMessage } from "./open-messages.ts";

try {
  const { data, ...bundle } = await openBundle(workerData as OpenRequest);
  post({ kind: "bundle", bundle, data: JSON.stringify(data) });
} catch (error) {
  if (!(error instanceof BundleError)) throw error;
  post({ kind: "refused", reason: error.reason, message: error.message });
}

function post(message: OpenMessage): void {
  parentPort?.postMessage(message);
}
