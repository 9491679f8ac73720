import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  applyPods,
  applyPolicies,
  compactEvents,
  examples,
  manifests,
  waitForPods,
} from "../guardbee.ts";
import { execOnNode } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { capabilityScene, expectedEvents, sceneEvents, viScene } from "../scenes.ts";
import { openFleet } from "./fleet.ts";
import { denyWritesRef, policyReady } from "./policies.ts";

await openFleet();
await applyPods(join(manifests, "xwing.yaml"));
await waitForPods("xwing", "ywing");
const policies = ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"];
await applyPolicies(...policies.map((name) => join(examples, name)));

after(async () => {
  const pods = ["xwing", "ywing", "deathstar"];
  await kubectlOutput(["delete", "pods", "--ignore-not-found", ...pods]);
});

test("vi may open and read a forbidden file, and is killed when it writes", async () => {
  assert.deepEqual((await viScene()).wrong, []);
});

test("a privileged pod is killed at its first exec, an ordinary one is not", async () => {
  assert.deepEqual((await capabilityScene()).wrong, []);
});

test("with four capabilities, no new privileges, and system calls filtered", async () => {
  const script = 'cat "/proc/$(pgrep -f "[a]gent --kube")/status"';
  const { stdout } = await execOnNode("node-1", ["/bin/sh", "-c", script]);
  const of = (field: string) => stdout.match(new RegExp(`^${field}:\\s*(\\S+)$`, "m"))?.[1];
  const bits = [2, 19, 38, 39]; // linux/capability.h: DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF
  const mask = bits.reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
  assert.deepEqual(
    ["CapPrm", "CapEff", "CapBnd"].map((set) => BigInt(`0x${of(set)}`)),
    [mask, mask, mask],
  );
  assert.deepEqual([of("NoNewPrivs"), of("Seccomp")], ["1", "2"]);
});

test("hooks on system calls are on the 32-bit entries too, though the agent's own calls are filtered", async () => {
  const { status } = await policyReady(denyWritesRef);
  const { message } = status?.conditions?.find(({ type }) => type === "Ready") ?? {};
  assert.equal(message, "in force on 2 of 2 nodes");
  const script = "ls /sys/fs/bpf/guardbee/v-*/hooks";
  const { stdout } = await execOnNode("node-1", ["/bin/sh", "-c", script]);
  const entries = new Set(stdout.match(/(?<=-)__\w+_sys_\w+(?=-)/g) ?? []);
  const calls = ["sys_close", "sys_read", "sys_write"];
  const all = ["__ia32_", "__x64_"].flatMap((prefix) => calls.map((call) => prefix + call));
  const missing = all.filter((entry) => !entries.has(entry));
  assert.deepEqual(missing, [], stdout);
});

test("the compact events of the node tell both stories", async () => {
  const events = await compactEvents(await sceneEvents("node-1"));
  const missing = expectedEvents.filter((event) => !events.some((line) => event.test(line)));
  assert.deepEqual(missing, [], events.join("\n"));
});
