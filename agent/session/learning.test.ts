import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubeObject, resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy/sets";
import { hookEvent } from "../events/event.ts";
import { hookInfo, someEvents } from "../events/testing/some-events.ts";
import { decodeRecord } from "../records/decode.ts";
import type { HookRecord } from "../records/kernel-record.ts";
import { hookRecord, programArg } from "../records/testing-records.ts";
import { aSet, aWorld, list, NODE, pass, putSet, start, until, type World } from "./test-node.ts";

const policy = { kind: "ExecPolicy", name: "web" } as const;
const name = "execpolicy.web";
const learns = aSet(name, { policy, mode: "monitor", learn: { hook: 0, others: 0, fromImage: 9 } });
const { nginx } = someEvents();

/** The exec of a program that no rule names, in a pod of the Deployment shop/web. */
function execOf(path: string) {
  const bytes = hookRecord({ args: [programArg(path)] });
  const hook = { ...hookInfo, policy, learns: { hook: 0, others: 0, fromImage: 9 } };
  return hookEvent(nginx.process!.process, decodeRecord(bytes, 0) as HookRecord, hook);
}

function aLearningWorld(t: Parameters<typeof aWorld>[0]): World {
  const world = aWorld(t);
  world.api.put(resources.node, { metadata: { name: NODE } });
  putSet(world, name, learns);
  list(world, name);
  return world;
}

const reported = ({ api }: World) =>
  api.get(resourceOf("NodeExecReport"), NODE) as
    | (KubeObject & { readonly policies: unknown })
    | undefined;
const writes = ({ api }: World) =>
  api.applied.filter(({ path }) => path.endsWith(`/nodeexecreports/${NODE}`)).length;
const paths = (world: World) =>
  (reported(world)?.policies as { workloads: { executables: { path: string }[] }[] }[])
    ?.flatMap(({ workloads }) => workloads)
    .flatMap(({ executables }) => executables.map(({ path }) => path));

test("what ran is reported once, owned by the node, and nothing when nothing runs", async (t) => {
  const world = aLearningWorld(t);
  const { session } = await start(world);
  await until(world, "the set", () => session.ready());
  await pass(world, 10_000);
  assert.equal(writes(world), 0);
  session.sink.write([execOf("/usr/bin/curl"), execOf("/bin/sh"), execOf("/bin/sh")]);
  await until(world, "a report", () => writes(world) === 1);
  const { metadata, policies } = reported(world)!;
  assert.deepEqual(metadata.ownerReferences, [
    { apiVersion: "v1", kind: "Node", name: NODE, uid: `uid-${NODE}` },
  ]);
  const [{ since, ...told }] = policies as [{ since: string }];
  assert.match(since, /^\d{4}-.*:\d\dZ$/);
  assert.deepEqual(told, {
    set: name,
    workloads: [
      {
        ...{ namespace: "shop", kind: "Deployment", name: "web" },
        executables: [
          { path: "/bin/sh", parents: ["/usr/sbin/nginx"], count: 2 },
          { path: "/usr/bin/curl", parents: ["/usr/sbin/nginx"], count: 1 },
        ],
      },
    ],
  });
  await pass(world, 60_000);
  assert.equal(writes(world), 1);
});

test("one report follows another ever more rarely", async (t) => {
  const world = aLearningWorld(t);
  const { session } = await start(world);
  await until(world, "the set", () => session.ready());
  for (let second = 0; second < 120; second++) {
    session.sink.write([execOf(`/bin/${second}`)]);
    await pass(world, 1_000);
  }
  assert.ok(writes(world) >= 3 && writes(world) <= 6, String(writes(world)));
});

test("an agent that starts again forgets nothing, and writes nothing that is there", async (t) => {
  const world = aLearningWorld(t);
  const first = await start(world);
  await until(world, "the set", () => first.session.ready());
  first.session.sink.write([execOf("/usr/bin/curl")]);
  await until(world, "a report", () => writes(world) === 1);
  await first.stop();
  world.engine.before = new Set([1n]); // what it left in the kernel is there
  const { session } = await start(world);
  await until(world, "the set", () => session.ready());
  await pass(world, 30_000);
  assert.equal(writes(world), 1);
  session.sink.write([execOf("/bin/sh")]);
  await until(world, "a report", () => writes(world) === 2);
  assert.deepEqual(paths(world), ["/bin/sh", "/usr/bin/curl"]);
});

test("a policy that does not learn any more is not reported", async (t) => {
  const world = aLearningWorld(t);
  const { session } = await start(world);
  await until(world, "the set", () => session.ready());
  session.sink.write([execOf("/usr/bin/curl")]);
  await until(world, "a report", () => writes(world) === 1);
  const { learn: _, ...plain } = learns;
  putSet(world, name, plain);
  await until(world, "a report", () => writes(world) === 2);
  assert.deepEqual(reported(world)?.policies, []);
});
