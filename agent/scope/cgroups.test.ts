import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { findPodCgroup, podRoots, readCgroupTree } from "./cgroups.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";
const UNDERSCORED = UID.replaceAll("-", "_");
const PAUSE = "a".repeat(64);
const APP = "b".repeat(64);

/** A cgroup root with `folders` in it, gone after the test. */
function aHierarchy(t: TestContext, folders: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "cgroups-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  return root;
}

const layouts = [
  {
    driver: "cgroupfs",
    root: "kubepods",
    qos: ["besteffort", "burstable"],
    pod: `kubepods/besteffort/pod${UID}`,
    pause: PAUSE,
    app: APP,
  },
  {
    driver: "systemd",
    root: "kubepods.slice",
    qos: ["kubepods-besteffort.slice", "kubepods-burstable.slice"],
    pod: `kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UNDERSCORED}.slice`,
    pause: `cri-containerd-${PAUSE}.scope`,
    app: `cri-containerd-${APP}.scope`,
  },
  {
    driver: "systemd under kubelet's --cgroup-root",
    root: "kubelet.slice/kubelet-kubepods.slice",
    qos: ["kubelet-kubepods-burstable.slice"],
    pod: `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UNDERSCORED}.slice`,
    pause: `crio-${PAUSE}.scope`,
    app: `crio-${APP}.scope`,
  },
];

for (const { driver, root: top, qos, pod, pause, app } of layouts) {
  test(`readCgroupTree finds pods and containers of the ${driver} driver`, async (t) => {
    const root = aHierarchy(t, [
      "system.slice/ssh.service",
      ...qos.map((folder) => join(top, folder)),
      join(pod, pause),
      join(pod, app, "init.scope/deeper"),
      join(pod, "crio-conmon"),
    ]);
    const at = (path: string) => {
      const full = join(root, path);
      return { id: statSync(full, { bigint: true }).ino, path: full };
    };
    const podCgroup = {
      ...at(pod),
      uid: UID,
      containers: [
        { ...at(join(pod, pause)), containerId: PAUSE, nested: [] },
        {
          ...at(join(pod, app)),
          containerId: APP,
          nested: [at(join(pod, app, "init.scope")).id, at(join(pod, app, "init.scope/deeper")).id],
        },
      ],
      others: [at(join(pod, "crio-conmon")).id],
    };
    const qosFolders = qos.map((folder) => at(join(top, folder)).id);
    const roots = [{ ...at(top), qosFolders }];
    assert.deepEqual(await readCgroupTree(root), { roots, pods: [podCgroup] });
    assert.deepEqual(await findPodCgroup(await podRoots(root), UID), podCgroup);
  });
}

test("a kubepods folder inside a container is no pod root", async (t) => {
  const root = aHierarchy(t, [
    `kubepods/pod${UID}/${APP}/kubepods/besteffort`,
    "docker.scope/kubepods",
  ]);
  const found = await podRoots(root);
  assert.deepEqual(
    found.map(({ path }) => path),
    [join(root, "kubepods")],
  );
});

test("a machine without pods, or without the folder at all, has an empty tree", async (t) => {
  const root = aHierarchy(t, ["system.slice"]);
  assert.deepEqual(await readCgroupTree(root), { roots: [], pods: [] });
  assert.deepEqual(await readCgroupTree(join(root, "gone")), { roots: [], pods: [] });
});

test("a pod folder that is not there yet is undefined", async (t) => {
  const root = aHierarchy(t, ["kubepods/besteffort"]);
  assert.equal(await findPodCgroup(await podRoots(root), UID), undefined);
});

test("folders vanishing during a walk do not fail it", async (t) => {
  const uids = Array.from({ length: 40 }, (_, n) => UID.replace(/..$/, `${n + 10}`));
  const root = aHierarchy(
    t,
    uids.map((uid) => `kubepods/besteffort/pod${uid}/${APP}/nested`),
  );
  const walk = readCgroupTree(root);
  for (const uid of uids) {
    rmSync(join(root, `kubepods/besteffort/pod${uid}`), { recursive: true });
  }
  const { pods } = await walk;
  assert.ok(pods.length <= uids.length);
  assert.deepEqual((await readCgroupTree(root)).pods, []);
});
