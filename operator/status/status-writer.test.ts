import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubeConnection, ManualClock } from "@guardbee/kube";
import { type PolicyStatus, resourceOf } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import { StatusWriter } from "./status-writer.ts";

const never = new AbortController().signal;

/** What was written, each as "seconds state programmed". */
async function written(
  statusAt: (second: number) => PolicyStatus,
  seconds: number,
): Promise<readonly string[]> {
  const clock = new ManualClock();
  const startMs = clock.monotonic();
  const writes: string[] = [];
  let there: PolicyStatus | undefined;
  let version = 1;
  const connection = {
    async request({ body }: { readonly body: { readonly status: PolicyStatus } }) {
      there = body.status;
      const { conditions, nodes } = there;
      const second = (clock.monotonic() - startMs) / 1_000;
      writes.push(`${second} ${conditions?.[0]?.status} ${nodes?.programmed}`);
      return { metadata: { resourceVersion: String(++version) } };
    },
  } as unknown as KubeConnection;
  const writer = new StatusWriter(connection, clock, 5_000);
  for (let second = 0; second <= seconds; second++) {
    const policy = { ...aPolicy, status: there, resourceVersion: String(version) };
    if (writer.dueInMs(policy) === 0) await writer.write(policy, statusAt(second), never);
    await clock.advance(1_000);
  }
  return writes;
}

test("what only counts on is written ever more rarely, and the last of it at once", async () => {
  const writes = await written((s) => (s < 197 ? status("Unknown", s) : status("True", 197)), 300);
  assert.deepEqual(writes, [
    "0 Unknown 0",
    "5 Unknown 5",
    "15 Unknown 15",
    "35 Unknown 35",
    "75 Unknown 75",
    "135 Unknown 135",
    "195 Unknown 195",
    "200 True 197",
  ]);
});

test("a state that flaps is written ever more rarely, down to once an interval", async () => {
  const writes = await written((s) => status(s % 2 === 0 ? "True" : "False", 1), 20);
  assert.deepEqual(writes, [
    "0 True 1",
    "1 False 1",
    "4 True 1",
    "9 False 1",
    "14 True 1",
    "19 False 1",
  ]);
});

test("a policy is Ready a second after its last node", async () => {
  const writes = await written((s) => status(s < 3 ? "Unknown" : "True", s), 4);
  assert.deepEqual(writes, ["0 Unknown 0", "3 True 3"]);
});

test("of a fleet of thousands the nodes are looked at more rarely", async () => {
  const large = (s: number) => {
    const one = status(s < 3 ? "Unknown" : "True", s);
    return { ...one, nodes: { ...one.nodes!, desired: 5_000 } };
  };
  assert.deepEqual(await written(large, 6), ["0 Unknown 0", "5 True 5"]);
});

test("where counting stops without a new state, the last count is written", async () => {
  const writes = await written((s) => status("Unknown", Math.min(s, 40)), 100);
  assert.equal(writes.at(-1), "75 Unknown 40");
});

test("after some minutes of silence counting begins anew", async () => {
  const writes = await written((s) => status("Unknown", s < 20 || s > 300 ? s : 20), 312);
  assert.deepEqual(writes.slice(-3), ["35 Unknown 20", "301 Unknown 301", "306 Unknown 306"]);
});

test("our own write is what there is until the watch shows it, and what somebody else wrote after it", async () => {
  const answer = { metadata: { resourceVersion: "10" } };
  const connection = { request: async () => answer } as unknown as KubeConnection;
  const writer = new StatusWriter(connection, new ManualClock(), 5_000);
  const [before, ours, theirs] = [1, 2, 3].map((count) => status("Unknown", count));
  const shown = (resourceVersion: string, there = before) => ({
    ...{ ...aPolicy, resourceVersion, status: there },
  });
  assert.deepEqual(writer.current(shown("9")), before);
  await writer.write(shown("9"), ours!, never);
  assert.deepEqual(writer.current(shown("9")), ours);
  assert.deepEqual(writer.current(shown("11", theirs)), theirs);
});

function status(ready: "True" | "False" | "Unknown", programmed: number): PolicyStatus {
  const reason = ready === "True" ? "Programmed" : "Pending";
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const message = `${programmed} nodes`;
  const condition = { type: "Ready", status: ready, reason, message, lastTransitionTime };
  const nodes = { desired: 200, programmed, failed: 0, pending: 200 - programmed };
  return { observedGeneration: 1, conditions: [condition], nodes } as unknown as PolicyStatus;
}

const aPolicy: PolicyEntry = {
  setName: "tracingpolicy.one",
  resource: resourceOf("TracingPolicy"),
  object: {
    apiVersion: "cilium.io/v1alpha1",
    kind: "TracingPolicy",
    metadata: { name: "one", uid: "u" },
  },
  uid: "u",
  generation: 1,
  resourceVersion: "1",
  createdAt: "",
  deleting: false,
  status: undefined,
};
