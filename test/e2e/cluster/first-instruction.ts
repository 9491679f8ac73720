import assert from "node:assert/strict";
import { test } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { aPod, apply, type NodeName, nodeNames } from "./fleet.ts";
import { applyReady, denyWrites, denyWritesRef } from "./policies.ts";

/** The container's first program opens and writes at once, with no shell before it. */
const dd = (folder: string) => ["/bin/dd", "if=/dev/zero", `of=${folder}x`, "bs=1", "count=1"];

/** The test, with so many pods over all nodes, half of them for each of two policies. */
export function firstInstruction(counts: {
  readonly pods: number;
  readonly containersPerPod: number;
}): void {
  const { containersPerPod } = counts;
  const starts = counts.pods * containersPerPod;
  test(`a container that writes as the first thing it does is killed in each of ${starts} starts`, async () => {
    await applyReady(denyWritesRef, denyWrites());
    await applyReady("tracingpolicy/deny-labelled", denyLabelled);
    const nodes = nodeNames();
    const pods = Array.from({ length: counts.pods }, (_, at) => {
      const folder = at % 2 === 0 ? "/tmp/forbidden/" : "/tmp/labelled/";
      return starters(`first-${at}`, nodes[at % nodes.length]!, folder, containersPerPod);
    });
    await apply(pods);
    let ended: readonly string[] = [];
    await waitFor(
      `${starts} containers to end`,
      async () => {
        ended = await endedContainers();
        return ended.length === starts || undefined;
      },
      {
        timeoutMs: patienceMs + starts * 6_000, // a node starts one after the other
        ...{ everyMs: 2_000, detail: () => `${ended.length} ended` },
      },
    );
    assert.deepEqual(
      ended.filter((code) => !code.endsWith(" 137")),
      [],
    );
    await kubectlOutput(["delete", "pods", "-l", "first", "--wait=false"]);
  });
}

/** "POD/CONTAINER EXIT-CODE" of all that have ended. */
async function endedContainers(): Promise<readonly string[]> {
  type Pod = {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly containerStatuses?: readonly {
        readonly name: string;
        readonly state: { readonly terminated?: { readonly exitCode: number } };
      }[];
    };
  };
  const pods: { items: Pod[] } = JSON.parse(
    await kubectlOutput(["get", "pods", "-l", "first", "-o", "json"]),
  );
  return pods.items.flatMap(({ metadata, status }) =>
    (status.containerStatuses ?? []).flatMap(({ name, state }) =>
      state.terminated === undefined
        ? []
        : [`${metadata.name}/${name} ${state.terminated.exitCode}`],
    ),
  );
}

/** Pods share their pid namespace: its pid 1, which the seed's policy spares, is the sandbox. */
function starters(name: string, node: NodeName, folder: string, count: number): object {
  const containers = Array.from({ length: count }, (_, at) => ({
    name: `start-${at}`,
    command: dd(folder),
    workingDir: folder, // the runtime makes it
  }));
  const labels = { first: "true", ...(folder === "/tmp/labelled/" ? { labelled: "true" } : {}) };
  const spec = { restartPolicy: "Never", shareProcessNamespace: true };
  return aPod({ name, node, labels, containers, spec });
}

const denyLabelled = denyWrites({ prefix: "/tmp/labelled/" })
  .replace("deny-tmp-forbidden-write", "deny-labelled")
  .replace(/^spec:\n/m, 'spec:\n  podSelector:\n    matchLabels:\n      labelled: "true"\n');
