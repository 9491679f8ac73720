import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { hookEvent } from "../../../agent/events/event.ts";
import type { Seen } from "../../../agent/kernel/testing/event-log.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { policyIn } from "../../../agent/kernel/testing/policies.ts";
import {
  type Observation,
  observationOf,
  type Unplaced,
} from "../../../agent/learn/observation.ts";
import { ProcessTree } from "../../../agent/process/tree.ts";
import { type Image, openImage } from "./image.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
let image: Image;
beforeEach(async () => {
  image = await openImage();
});
afterEach(() => image.close());

/** A policy that learns, in force in the container. */
async function inForce(mode: "enforce" | "monitor", rules: string): Promise<void> {
  const set = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: web }
spec:
  podSelector: {}
  mode: ${mode}
  learn: {}
  rules: ${rules}
`);
  const scopes = { host: [], cgroups: [{ id: image.cgroup.id, sets: [set.name] }] };
  const states = await kernel.program([set], scopes);
  for (const state of states) assert.equal(state.state, "programmed", JSON.stringify(state));
}

/** What an agent learns from what the kernel reported. */
function learned({ events }: Seen): readonly (Observation | Unplaced)[] {
  const tree = new ProcessTree(() => 0);
  return events.flatMap((record) => {
    if (record.kind === "exec") tree.exec(record);
    if (record.kind === "clone") tree.clone(record);
    if (record.kind !== "hook") return [];
    const hook = kernel.engine.hookOf(record.hook, record.entry)!;
    return observationOf(hookEvent(tree.find(record.process), record, hook)) ?? [];
  });
}

const briefly = ({ path, parent, fromImage, denied }: Observation | Unplaced) =>
  `${path} by ${parent}${fromImage ? " from the image" : ""}${denied ? ", denied" : ""}`;

async function learns(script: string): Promise<readonly string[]> {
  return learned(await kernel.events.during(() => image.sh(script))).map(briefly);
}

test("what no rule names is learned, with what starts it and whether it is the image's", async () => {
  await inForce("monitor", "{ allow: [{ paths: [/bin/sh] }] }");
  const copied = "/bin/cp /bin/attempt /tmp/copy";
  assert.deepEqual(await learns(`/bin/attempt hello; ${copied}; /tmp/copy hello`), [
    "/bin/attempt by /bin/sh from the image",
    "/bin/cp by /bin/sh from the image",
    "/tmp/copy by /bin/sh",
  ]);
});

test("what an enforced list denies is learned as denied, what a rule denies is not learned", async () => {
  const rules = "{ allow: [{ paths: [/bin/sh] }], deny: [{ paths: [/bin/cp] }] }";
  await inForce("enforce", rules);
  assert.deepEqual(await learns("/bin/attempt hello; /bin/cp /bin/attempt /tmp/copy"), [
    "/bin/attempt by /bin/sh from the image, denied",
  ]);
});
