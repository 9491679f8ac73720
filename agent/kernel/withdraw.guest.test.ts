/** Who is left alone while policies come and go. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { denyWrites, named } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

/** Between two changes both slots of a program have its tables. */
test("what writes to nothing that a policy forbids lives on when the policy goes", async () => {
  const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-withdraw");
  const deny = denyWrites({});
  const edits = ["first", "second", "third"].map((message) => {
    return named({ ...deny.set, hooks: deny.set.hooks.map((hook) => ({ ...hook, message })) });
  });
  const scopes = { unknownPods: [deny.name], cgroups: [{ id: cgroup.id, sets: [deny.name] }] };
  const writer = cgroup.sh("while ! [ -e /tmp/withdrawn ]; do echo y; done >/dev/null; echo lives");
  for (let round = 0; round < 2; round++) {
    for (const edit of edits) await kernel.program([edit], scopes);
    await kernel.program([]);
  }
  await cgroup.sh("true >/tmp/withdrawn");
  assert.deepEqual(await writer, { code: 0, signal: null, out: "lives\n" });
});
