import assert from "node:assert/strict";
import { test } from "node:test";
import { rolloutPosition } from "@guardbee/policy";
import { apply, nodeNames, pilotOn } from "./fleet.ts";
import { conditionOf, deletePolicy, denyWrites, policyBecomes } from "./policies.ts";
import { type Write, writeIn, writesBecome } from "./writes.ts";

const nodes = nodeNames();
const [node] = nodes;
const pilot = pilotOn(node!);
const path = "/tmp/forbidden/x";

/** A way to stop a write. */
type Way = {
  /** Of the seed's policy. */
  readonly variant: "" | "-override";
  readonly actions: readonly string[];
  readonly enforced: Write;
};

/** Tests that a write which is stopped in that way is counted, whatever else of it is reported. */
export function stopsAreCounted({ variant, actions, enforced }: Way): void {
  const name = actions.join(", ");
  const policyName = actions.join("-").toLowerCase();
  test(`[${name}] counts in monitor-first: what would have stopped a write is not promoted`, async () => {
    const policy = `monitored-${policyName}`;
    const ref = `tracingpolicy/${policy}`;
    await apply(written(policy, variant, actions, { "monitor-first": "30m" }));
    await policyBecomes(ref, "tried on all nodes", ({ status }) => {
      const { programmed, desired } = status?.nodes ?? {};
      return status?.trial?.state === "Monitoring" && programmed === desired;
    });
    assert.equal(await writeIn(pilot, path), "allowed");
    const held = await policyBecomes(ref, "held", ({ status }) => status?.trial?.state === "Held");
    assert.equal(conditionOf(held, "Ready")?.reason, "WouldStop");
    assert.ok((held.status?.trial?.wouldStop ?? 0) >= 1);
    assert.deepEqual(held.status?.trial?.nodes, [node]);
    await deletePolicy(ref);
  });

  test(`[${name}] counts in max-stops: its roll-out is halted`, async () => {
    const policy = nameThatStartsOn(node!, `limited-${policyName}`);
    const ref = `tracingpolicy/${policy}`;
    const limit = {
      "rollout-waves": "1,100%",
      "rollout-interval": "30m",
      "rollout-max-stops": "0",
    };
    await apply(written(policy, variant, actions, limit));
    await policyBecomes(ref, "in the first wave", ({ status }) => status?.nodes?.programmed === 1);
    await writesBecome(pilot, path, enforced);
    const halted = await policyBecomes(
      ref,
      "halted",
      ({ status }) => status?.rollout?.state === "Halted",
    );
    assert.ok((halted.status?.rollout?.stops ?? 0) >= 1);
    assert.match(
      conditionOf(halted, "Stalled")?.message ?? "",
      /it stopped at least \d+ calls, more than 0$/,
    );
    for (const other of nodes.slice(1))
      assert.equal(await writeIn(pilotOn(other), path), "allowed");
    await deletePolicy(ref);
  });
}

/** The seed's policy under another name, with these actions in place of the one that stops. */
function written(
  policy: string,
  variant: "" | "-override",
  actions: readonly string[],
  annotations: Readonly<Record<string, string>>,
): string {
  const seed = denyWrites({ variant });
  const lines = Object.entries(annotations).map(([key, value]) => `guardbee.io/${key}: '${value}'`);
  const named = seed.replace(
    /name: "?deny-tmp-forbidden-write(-override)?"?\n/,
    `name: ${policy}\n  annotations:\n    ${lines.join("\n    ")}\n`,
  );
  const stopping = actions[0]!;
  const added = actions.slice(1).map((action) => `\n        - action: ${action}`);
  const acting = named.replace(`        - action: ${stopping}`, (found) => found + added.join(""));
  assert.ok(named !== seed && (added.length === 0 || acting !== named));
  return acting;
}

/** A name whose first wave is this node. */
function nameThatStartsOn(first: string, prefix: string): string {
  for (let i = 0; ; i++) {
    const position = (one: string) => rolloutPosition(`tracingpolicy.${prefix}-${i}`, one);
    if (nodes.every((one) => position(one) >= position(first))) return `${prefix}-${i}`;
  }
}
