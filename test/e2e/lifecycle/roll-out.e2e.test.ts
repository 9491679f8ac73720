import assert from "node:assert/strict";
import { test } from "node:test";
import { rolloutPosition } from "@guardbee/policy";
import { apply, nodeNames, openFleet, pilotOn } from "../cluster/fleet.ts";
import {
  applyReady,
  conditionOf,
  denyWrites,
  policyBecomes,
  statusOf,
} from "../cluster/policies.ts";
import { Hammer, writeIn, writesBecome } from "../cluster/writes.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";

await openFleet();
const nodes = nodeNames();

const name = nameThatStartsOn("node-3");
const ref = `tracingpolicy/${name}`;
const path = "/tmp/forbidden/x";
const waves =
  "annotations:\n    guardbee.io/rollout-waves: '1,100%'\n    guardbee.io/rollout-interval: 5s";

/** The seed's policy, or its variant that node-3's kernel cannot hold. */
function version(variant: "" | "-override"): string {
  return inWaves(denyWrites({ variant }));
}

function inWaves(yaml: string): string {
  const named = yaml.replace(
    /name: "?deny-tmp-forbidden-write(-override)?"?\n/,
    `name: ${name}\n  ${waves}\n`,
  );
  assert.notEqual(named, yaml);
  return named;
}

function nameThatStartsOn(node: string): string {
  for (let i = 0; ; i++) {
    const position = (one: string) => rolloutPosition(`tracingpolicy.deny-writes-${i}`, one);
    if (nodes.every((one) => position(one) >= position(node))) return `deny-writes-${i}`;
  }
}

test("a version that one kernel cannot hold stops at that node; undo, with no moment open anywhere", async () => {
  await applyReady(ref, version(""));
  const hammers: Hammer[] = [];
  for (const node of ["node-1", "node-3"] as const) {
    hammers.push(await Hammer.start(pilotOn(node), [path]));
  }
  for (const hammer of hammers) await hammer.until({ path, allowed: false });
  await apply(version("-override"));
  const halted = await policyBecomes(ref, "halted", (policy) =>
    /RolloutHalted/.test(conditionOf(policy, "Ready")?.reason ?? ""),
  );
  assert.deepEqual(halted.status?.rollout, { state: "Halted", wave: 1, waves: 2 });
  assert.deepEqual(halted.status?.failures?.[0]?.nodes, ["node-3"]);
  assert.match(conditionOf(halted, "Stalled")?.message ?? "", /node-3 cannot hold it: KernelLacks/);
  assert.equal(halted.status?.nodes?.summary, "0/3");
  assert.match(halted.status?.failures?.[0]?.message ?? "", /^the version before stays in force; /);
  for (const node of nodes) {
    assert.equal(await writeIn(pilotOn(node), path), "killed", "the version before holds");
  }
  await kubectlOutput(["annotate", ref, "guardbee.io/rollout=undo"]);
  await policyBecomes(ref, "undone", ({ status }) => status?.rollout?.state === "Undone");
  await writesBecome(pilotOn("node-3"), path, "killed");
  await apply(version(""));
  await kubectlOutput(["annotate", ref, "guardbee.io/rollout-"]);
  const ready = await policyBecomes(ref, "Ready", (one) => statusOf(one, "Ready") === "True");
  assert.equal(ready.status?.nodes?.summary, "3/3");
  for (const hammer of hammers) await hammer.stop();
  assert.deepEqual(
    hammers.flatMap(({ attempts }) => attempts.filter(({ allowed }) => allowed)),
    [],
  );
});

test("what every kernel can hold reaches all nodes, the first one first", async () => {
  const edited = inWaves(denyWrites({ prefix: "/tmp/left/" }));
  await apply(edited.replace("rollout-interval: 5s", "rollout-interval: 1h"));
  await policyBecomes(
    ref,
    "in the first wave",
    ({ status }) => status?.nodes?.programmed === 1 && status.nodes.waiting === 2,
  );
  assert.equal(await writeIn(pilotOn("node-3"), "/tmp/left/x"), "killed");
  assert.equal(await writeIn(pilotOn("node-1"), "/tmp/left/x"), "allowed");
  assert.equal(await writeIn(pilotOn("node-1"), path), "killed");
  await applyReady(ref, edited);
  for (const node of nodes) assert.equal(await writeIn(pilotOn(node), "/tmp/left/x"), "killed");
});
