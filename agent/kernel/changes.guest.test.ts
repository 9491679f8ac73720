import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import type { Condition, Selector } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const ofNamespaces = (op: "In" | "NotIn", ...values: ("Uts" | "Ipc" | "Mnt")[]): Condition => ({
  ...{ by: "namespaceChange", op, values },
});
const ofCapabilities = (op: "In" | "NotIn", ...values: number[]): Condition => ({
  ...{ by: "capabilityChange", op, set: "effective", values, userNamespace: "any" },
});

const sets = (conditions: Readonly<Record<string, Condition>>) =>
  Object.entries(conditions).map(([name, one]) => aSet(name, onGetpriority(when(one))));

/** Names of the policies that report the calls of getpriority(2) that are made meanwhile. */
async function reportedBy(scene: () => unknown): Promise<readonly string[]> {
  const { hooks } = await events.during(scene);
  return hooks.map(({ policy }) => policy.slice("tracingpolicy.".length)).sort();
}

const [unshare, uts, setreuid] = [272, 0x0400_0000, 113];
const perl = (...lines: readonly string[]) => sh(`perl -e '${lines.join("; ")}' || exit 1`);
const ask = "getpriority(0, 0)";

test("a process that leaves a namespace is told from one that was started in it", async () => {
  await kernel.program(
    sets({
      uts: ofNamespaces("In", "Uts"),
      mnt: ofNamespaces("In", "Mnt"),
      "not-mnt": ofNamespaces("NotIn", "Mnt", "Ipc"),
      "not-uts": ofNamespaces("NotIn", "Uts"),
    }),
  );
  const made = await reportedBy(() => perl(ask, `syscall(${unshare}, ${uts}) and die`, ask, ask));
  assert.deepEqual(made, ["not-mnt", "not-mnt", "uts", "uts"]);
  assert.deepEqual(await reportedBy(() => sh(`unshare -u perl -e '${ask}'`)), []);
  // What it makes is in the namespace from its first instruction on.
  const child = [`syscall(${unshare}, ${uts}) and die`, `fork or do {${ask}; exit}`, "wait"];
  assert.deepEqual(await reportedBy(() => perl(...child)), []);
});

test("a process that gives up capabilities is told from one that never had them", async () => {
  await kernel.program(
    sets({
      admin: ofCapabilities("In", 21),
      chown: ofCapabilities("In", 0, 21),
      none: ofCapabilities("In", 63),
      others: ofCapabilities("NotIn", 63),
      "not-admin": ofCapabilities("NotIn", 21),
    }),
  );
  const dropped = `syscall(${setreuid}, -1, 65534) and die`;
  const made = await reportedBy(() => perl(ask, dropped, ask));
  assert.deepEqual(made, ["admin", "chown", "others"]);
  assert.deepEqual(await reportedBy(() => sh(`setpriv --reuid 65534 perl -e '${ask}'`)), []);
});

test("who ran before the policy is compared with what it was when it was first seen", async () => {
  await kernel.program([]);
  const ask2 = ["$_ = <STDIN>", ask];
  const lines = [
    ...ask2,
    "$_ = <STDIN>",
    `syscall(${unshare}, ${uts}) and die`,
    ask,
    "$_ = <STDIN>",
  ];
  const before = spawn("perl", ["-e", `$| = 1; print "up\\n"; ${lines.join("; ")}`]);
  await once(before.stdout, "data");
  await kernel.program(sets({ uts: ofNamespaces("In", "Uts") }));
  const next = async () => {
    before.stdin.write("\n");
    await new Promise((done) => setTimeout(done, 1000));
  };
  assert.deepEqual(await reportedBy(next), []);
  assert.deepEqual(await reportedBy(next), ["uts"]);
  before.stdin.end();
  await once(before, "close");
});

test("who raises itself by a change of namespace is stopped at the next call", async () => {
  const kill: Selector = {
    conditions: [ofNamespaces("In", "Uts")],
    actions: [{ action: "Sigkill" }],
  };
  await kernel.program([aSet("stop", onGetpriority(kill))]);
  const { code } = await perl(`syscall(${unshare}, ${uts}) and die`, ask);
  assert.equal(code, 1);
  assert.equal((await perl(ask)).code, 0);
});
