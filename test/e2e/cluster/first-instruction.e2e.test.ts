import assert from "node:assert/strict";
import { test } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { aPod, apply, type NodeName, openFleet } from "./fleet.ts";
import { applyReady, denyWrites, denyWritesRef } from "./policies.ts";

await openFleet();

/** The container's first program opens and writes at once, with no shell before it. */
const dd = (folder: string) => ["/bin/dd", "if=/dev/zero", `of=${folder}x`, "bs=1", "count=1"];
const containersPerPod = 10;

test("a container that writes as the first thing it does is killed in each of 50 starts", async () => {
  await applyReady(denyWritesRef, denyWrites());
  await applyReady("tracingpolicy/deny-labelled", denyLabelled);
  await apply([
    starters("first-1", "node-1", "/tmp/forbidden/"),
    starters("first-2", "node-2", "/tmp/forbidden/"),
    starters("first-3", "node-3", "/tmp/forbidden/"),
    starters("first-labelled-1", "node-1", "/tmp/labelled/"),
    starters("first-labelled-2", "node-2", "/tmp/labelled/"),
  ]);
  const codes = await waitFor("50 containers to end", endedContainers, {
    timeoutMs: patienceMs,
    everyMs: 2_000,
    detail: () => `${ended} ended`,
  });
  assert.deepEqual(
    codes.filter((code) => !code.endsWith(" 137")),
    [],
  );
  await kubectlOutput(["delete", "pods", "-l", "first", "--wait=false"]);
});

let ended = 0;

/** "POD/CONTAINER EXIT-CODE" of all, once all have ended. */
async function endedContainers(): Promise<readonly string[] | undefined> {
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
  const codes = pods.items.flatMap(({ metadata, status }) =>
    (status.containerStatuses ?? []).flatMap(({ name, state }) =>
      state.terminated === undefined
        ? []
        : [`${metadata.name}/${name} ${state.terminated.exitCode}`],
    ),
  );
  ended = codes.length;
  return codes.length === 5 * containersPerPod ? codes : undefined;
}

/** Pods share their pid namespace: its pid 1, which the seed's policy spares, is the sandbox. */
function starters(name: string, node: NodeName, folder: string): object {
  const containers = Array.from({ length: containersPerPod }, (_, at) => ({
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
