import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeDigest } from "@guardbee/policy";
import { resourceOf } from "@guardbee/policy/sets";
import {
  aSet,
  aWorld,
  list,
  NODE,
  pass,
  programmed,
  putSet,
  start,
  status,
  until,
} from "./test-node.ts";

const addedPodPolicy = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicyNamespaced
metadata: { name: kill, namespace: web }
spec:
  podSelector: { matchLabels: { app: web } }
  kprobes:
  - call: fd_install
    syscall: false
    args: [{ index: 0, type: int }]
`;

const forever = new AbortController().signal;
const inK8s = (name: string) => ({ domain: "k8s", namespace: "", name });

/** A node that holds `a` and `b` of its cluster, and has said so. */
async function aNode(t: Parameters<typeof aWorld>[0]) {
  const world = aWorld(t);
  const hashes = { a: putSet(world, "a"), b: putSet(world, "b") };
  list(world, "a", "b");
  const { session, stop } = await start(world);
  const digest = nodeDigest([
    { name: "a", hash: hashes.a },
    { name: "b", hash: hashes.b },
  ]);
  await until(world, "a report", () => status(world).digest === digest);
  return { world, hashes, digest, control: session.control, stop };
}

test("a policy of the cluster in another mode here is reported so, until the cluster has another content", async (t) => {
  const { world, hashes, digest, control } = await aNode(t);
  const changed = control.configure(inK8s("a"), { mode: "monitor" }, forever);
  await until(world, "the exception", () => status(world).exceptions !== undefined);
  assert.equal(await changed, undefined);
  assert.deepEqual(
    world.engine.desired?.sets.map(({ name, set }) => [name, set.mode]),
    [
      ["a", "monitor"],
      ["b", "enforce"],
    ],
  );
  assert.deepEqual(status(world).sets, { programmed: 1, failed: 1, pending: 0 });
  assert.deepEqual(status(world).exceptions, [
    {
      ...{ set: "a", hash: hashes.a, state: "failed", reason: "ChangedOnNode" },
      message: "was set to mode monitor on this node over gRPC",
    },
  ]);
  assert.notEqual(status(world).digest, digest);
  const [listed] = control.list();
  assert.deepEqual(
    [listed!.name, listed!.mode, listed!.state, listed!.info],
    ["a", "monitor", "enabled", "was set to mode monitor on this node over gRPC"],
  );

  putSet(world, "a", aSet("a", { scope: { host: false, pods: {} } }));
  await until(world, "the new content", () => status(world).exceptions === undefined);
  assert.deepEqual(
    world.engine.desired?.sets.map(({ set }) => set.mode),
    ["enforce", "enforce"],
  );
});

test("one that is disabled here is reported so, and is as before when it is enabled", async (t) => {
  const { world, digest, control } = await aNode(t);
  void control.configure(inK8s("b"), { enable: false }, forever);
  await until(world, "the exception", () => status(world).exceptions !== undefined);
  assert.deepEqual(programmed(world), ["a"]);
  const [exception] = status(world).exceptions as { readonly message: string }[];
  assert.equal(exception!.message, "was disabled on this node over gRPC");
  assert.equal(control.list()[1]!.state, "disabled");
  void control.configure(inK8s("b"), { enable: true }, forever);
  await until(world, "its end", () => status(world).digest === digest);
  assert.equal(status(world).exceptions, undefined);
});

test("what the kernel does not take in another mode stays as it was", async (t) => {
  const { world, digest, control } = await aNode(t);
  const before = world.engine.desired!.sets;
  // Whatever is not in mode enforce.
  world.engine.failing.add("a");
  const changed = control.configure(inK8s("a"), { mode: "monitor" }, forever);
  await until(world, "its failure", () =>
    world.engine.states.some(({ state }) => state === "failed"),
  );
  world.engine.failing.delete("a");
  await until(world, "what was before", () => status(world).digest === digest);
  assert.equal((await changed)!.kind, "failed");
  assert.deepEqual(world.engine.desired!.sets, before);
});

test("what is added here shows in nothing that the cluster is told", async (t) => {
  const { world, digest, control } = await aNode(t);
  const before = structuredClone(status(world));
  const added = control.added.add({ text: addedPodPolicy, domain: "grpc" }, forever);
  await until(world, "the policy", () => programmed(world)?.length === 3);
  assert.equal(await added, undefined);
  assert.deepEqual(programmed(world), ["a", "b", "grpc#tracingpolicynamespaced.web.kill"]);
  await pass(world, 30_000);
  assert.deepEqual(status(world), before);
  assert.equal(status(world).digest, digest);
  assert.deepEqual(control.domains(), ["grpc", "k8s"]);
  const refused = await control.remove(inK8s("a"), forever);
  assert.equal(refused!.kind, "state");
});

test("what was added goes with Guardbee", async (t) => {
  const { world, control } = await aNode(t);
  void control.added.add({ text: addedPodPolicy, domain: "grpc" }, forever);
  await until(world, "the policy", () => programmed(world)?.length === 3);
  const spec = { sets: [], removal: true };
  world.api.put(resourceOf("NodePolicySet"), { metadata: { name: NODE }, spec });
  await until(world, "nothing", () => programmed(world)?.length === 0);
});
