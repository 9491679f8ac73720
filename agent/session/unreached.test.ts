import assert from "node:assert/strict";
import { mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "@guardbee/kube";
import { nodeDigest } from "@guardbee/policy";
import {
  aSet,
  aWorld,
  list,
  NODE,
  putSet,
  start,
  status,
  UID,
  until,
  type World,
} from "./test-node.ts";

const APP = "b".repeat(64);

/** A pod that kubelet says runs; its cgroup is another matter. */
function putPod({ api }: World): void {
  api.put(resources.pod, {
    metadata: { namespace: "web", name: "front", uid: UID },
    spec: { nodeName: NODE, containers: [{ name: "app", image: "app" }] },
    status: {
      phase: "Running",
      containerStatuses: [
        { name: "app", containerID: `containerd://${APP}`, state: { running: {} } },
      ],
    },
  });
}

function putFolder({ cgroups }: World): string {
  const folder = join(cgroups, `kubepods/besteffort/pod${UID}`);
  mkdirSync(join(folder, APP), { recursive: true });
  return folder;
}

/** Follows what is opened, and stops writes to it. */
function following(name: string, mode: "enforce" | "monitor") {
  const call = (call: string) =>
    ({ kind: "kprobe", call, syscall: call !== "fd_install" }) as const;
  return aSet(name, {
    mode,
    hooks: [
      {
        on: call("fd_install"),
        args: [
          { index: 0, type: "int" },
          { index: 1, type: "file" },
        ],
        selectors: [{ conditions: [], actions: [{ action: "FollowFD", fd: 0, name: 1 }] }],
      },
      {
        on: call("sys_write"),
        args: [{ index: 0, type: "fd" }],
        selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }],
      },
    ],
  });
}

function exceptions(world: World): readonly { readonly message: string }[] {
  return (status(world).exceptions ?? []) as { message: string }[];
}

const onHost = aSet("host", { scope: { host: true } });

test("where no kubepods folder is found, what selects pods is not programmed, and says why", async (t) => {
  const world = aWorld(t);
  const elsewhere = join(world.folder, "elsewhere");
  renameSync(join(world.cgroups, "kubepods"), elsewhere);
  const hash = putSet(world, "a");
  const host = putSet(world, "host", onHost);
  list(world, "a", "host");
  putPod(world);
  await start(world);
  await until(world, "a report", () => status(world).exceptions !== undefined);
  const message =
    "it does not hold in web/front: no kubepods folder was found below the cgroup root; check kubelet's --cgroup-root, and that the agent's --cgroup-root is the host's";
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, state: "failed", reason: "CgroupNotFound", message },
  ]);
  assert.equal(status(world).digest, nodeDigest([{ name: "host", hash: host }]));
  renameSync(elsewhere, join(world.cgroups, "kubepods"));
  putFolder(world);
  await until(world, "its folder", () => status(world).exceptions === undefined);
  const both = [
    { name: "a", hash },
    { name: "host", hash: host },
  ];
  assert.equal(status(world).digest, nodeDigest(both));
});

test("a pod that runs somewhere else is named by what selects it", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a");
  putSet(world, "other", aSet("other", { scope: { host: false, pods: { namespaces: ["shop"] } } }));
  list(world, "a", "other");
  putPod(world);
  await start(world);
  await until(world, "a report", () => status(world).exceptions !== undefined);
  const message =
    "it does not hold in web/front: their cgroups were not found below kubepods; check kubelet's --cgroup-root, and that the agent's --cgroup-root is the host's";
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, state: "failed", reason: "CgroupNotFound", message },
  ]);
});

test("a cgroup for which the kernel's table has no room is an exception, and is tried again", async (t) => {
  const world = aWorld(t);
  const scope = { host: false, pods: { namespaces: ["web"] } };
  const hash = putSet(world, "a", aSet("a", { scope }));
  putSet(world, "host", onHost);
  list(world, "a", "host");
  const folder = putFolder(world);
  const { ino } = statSync(folder, { bigint: true });
  world.engine.full.add(ino);
  const { session } = await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  putPod(world);
  await until(world, "the exception", () => status(world).exceptions !== undefined);
  const message =
    "it does not hold in web/front: the kernel's table of cgroups takes no more (E2BIG); it is tried again";
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, state: "failed", reason: "CgroupNotAssigned", message },
  ]);
  assert.equal(session.ready(), false);
  world.engine.full.delete(ino);
  await until(world, "the next try", () => status(world).exceptions === undefined);
  assert.equal(session.ready(), true);
});

test("what could not be followed is an exception that names the pod and the reason, for ten minutes after the last file", async (t) => {
  const world = aWorld(t);
  const hash = putSet(world, "a", following("a", "enforce"));
  const watching = putSet(world, "m", following("m", "monitor"));
  list(world, "a", "m");
  const folder = putFolder(world);
  putPod(world);
  await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  const { ino } = statSync(folder, { bigint: true });
  const sets = world.engine.states.map(({ name }) => name);
  world.engine.lacking.set(ino, { overShare: 1, overTable: 0, sets });
  await until(world, "the exceptions", () => exceptions(world).length === 2);
  const message =
    "files could not be followed in web/front: a pod may have no more of them open (--followed-files-per-pod)";
  const failed = { state: "failed", reason: "FilesNotFollowed" } as const;
  assert.deepEqual(status(world).exceptions, [
    { set: "a", hash, ...failed, message: `${message}; what opened them was stopped` },
    { set: "m", hash: watching, ...failed, message: `${message}; calls on them are not seen` },
  ]);
  world.engine.lacking.set(ino, { overShare: 1, overTable: 1, sets: sets.slice(0, 1) });
  await until(world, "the other set", () => exceptions(world).length === 1);
  assert.match(exceptions(world)[0]!.message, /; what opened them was stopped$/);
  assert.match(
    exceptions(world)[0]!.message,
    /, and the node's table of them \(map followed\) is full; /,
  );
  await world.clock.advance(10 * 60_000);
  await until(world, "the end", () => status(world).exceptions === undefined);
});
