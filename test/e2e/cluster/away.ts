/** Pods that come while nobody tells the node's kernel who they are. */
import { patienceMs } from "../guardbee.ts";
import { kubectl } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { nodeNames } from "./fleet.ts";
import { denyWrites } from "./policies.ts";

export const node = nodeNames()[0]!;
export const closed = "/tmp/closed/";
export const open = "/tmp/open/";

/** For pods of that label, and with `unknownPods: Deny` for all that are not known. */
export function denyLabelled(name: string, prefix: string, unknownPods: "" | "Deny"): string {
  const fields = `  podSelector: {matchLabels: {away: "true"}}\n`;
  const also = unknownPods === "" ? "" : `  unknownPods: ${unknownPods}\n`;
  return denyWrites({ prefix })
    .replace("deny-tmp-forbidden-write", name)
    .replace(/^spec:\n/m, `spec:\n${fields}${also}`);
}

export const labels = { away: "true" };
const restartPolicy = "Never";
/** Pods whose containers share a pid namespace: its pid 1, which the seed's policy spares, is the sandbox. */
export const spec = { restartPolicy, shareProcessNamespace: true };

/** A container whose first program writes, with no shell before it. */
export const writer = (folder: string) => ({
  name: "writer",
  command: ["/bin/dd", "if=/dev/zero", `of=${folder}x`, "bs=1", "count=1"],
  workingDir: folder, // the runtime makes it
});

export async function exitCode(pod: string): Promise<string> {
  const path = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
  return waitFor(
    `${pod} to end`,
    async () => {
      const { exitCode, stdout } = await kubectl(["get", "pod", pod, "-o", path]);
      return exitCode === 0 && stdout !== "" ? stdout : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
}

// The brackets keep the pattern from matching the shell that carries it.
export const agentPids = "pgrep -f 'guardbee.js agen[t]'";
