import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { program, events } = kernel;
after(() => kernel.close());

test("a hook with callNotFound is left out where its function is not there, and the others hold", async () => {
  const [state] = await program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: partly }
spec:
  kprobes:
  - { call: guardbee_of_tomorrow, syscall: false, ignore: { callNotFound: true } }
  - call: sys_rmdir
    ignore: { callNotFound: true }
    args: [{ index: 0, type: string }]
    selectors:
    - matchArgs: [{ index: 0, operator: Equal, values: [/tmp/partly] }]
      matchActions: [{ action: Sigkill }]
`),
  ]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  assert.ok(state.attachments.includes("missing:guardbee_of_tomorrow"));
  assert.ok(state.attachments.some((one) => one.endsWith(":__x64_sys_rmdir")));
  const { hooks } = await events.during(async () => {
    assert.equal((await run("/usr/bin/perl", "-e", `rmdir "/tmp/partly"`)).signal, "SIGKILL");
  });
  assert.equal(hooks.length, 1);
});
