import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@guardbee/policy/sets";
import type { CgroupTree } from "./cgroups.ts";
import { CgroupPods } from "./lookup.ts";

const PAUSE = "a".repeat(64);
const APP = "b".repeat(64);
const NEW = "c".repeat(64);

const pod: Pod = {
  namespace: "web",
  name: "front-1",
  uid: "u1",
  cgroupUid: "u1",
  labels: { app: "front" },
  workload: { kind: "Deployment", name: "front" },
  hostPid: false,
  hostNetwork: false,
  finished: false,
  containers: [
    {
      name: "app",
      image: "app:1",
      privileged: true,
      running: {
        id: `containerd://${APP}`,
        imageId: "sha256:1",
        live: true,
        startedAt: "2026-01-01T00:00:00Z",
      },
    },
  ],
};

const tree: CgroupTree = {
  roots: [],
  pods: [
    {
      id: 10n,
      path: "/kubepods/podu1",
      uid: "u1",
      containers: [
        { id: 12n, path: `/kubepods/podu1/${APP}`, containerId: APP, nested: [13n] },
        { id: 11n, path: `/kubepods/podu1/${PAUSE}`, containerId: PAUSE, nested: [] },
        { id: 14n, path: `/kubepods/podu1/${NEW}`, containerId: NEW, nested: [] },
      ],
      others: [15n],
    },
  ],
};

const shownPod = {
  namespace: "web",
  name: "front-1",
  uid: "u1",
  labels: { app: "front" },
  workload: "front",
  workloadKind: "Deployment",
};
const inPod = { pod: shownPod };
const inApp = {
  pod: shownPod,
  container: {
    id: `containerd://${APP}`,
    name: "app",
    image: { id: "sha256:1", name: "app:1" },
    startTime: "2026-01-01T00:00:00Z",
    privileged: true,
  },
};

/** A lookup over the pod above, and how often it asked for a sweep. */
function aLookup() {
  const sweeper = {
    sweeps: 0,
    asked: 0,
    sweepCount: () => sweeper.sweeps,
    sweepSoon: () => {
      sweeper.asked += 1;
    },
  };
  const lookup = new CgroupPods(sweeper);
  lookup.update({ pods: [pod], tree });
  return { lookup, sweeper };
}

const rows = [
  { name: "the pod's own cgroup", id: 10n, want: inPod },
  { name: "a cgroup beside the containers", id: 15n, want: inPod },
  { name: "the sandbox, the oldest container", id: 11n, want: inPod },
  { name: "a container", id: 12n, want: inApp },
  { name: "a cgroup inside a container", id: 13n, want: inApp },
  { name: "a container that kubelet has not reported", id: 14n, want: undefined },
];
for (const { name, id, want } of rows) {
  test(`byCgroup of ${name}`, () => {
    const { lookup, sweeper } = aLookup();
    assert.deepEqual(lookup.byCgroup(id), want);
    assert.equal(sweeper.asked, 0);
  });
}

test("the answer is the same object until the container changes", () => {
  const { lookup } = aLookup();
  const before = lookup.byCgroup(12n);
  lookup.update({ pods: [structuredClone(pod)], tree });
  assert.equal(lookup.byCgroup(12n), before);
  assert.equal(lookup.byCgroup(13n), before);
  lookup.update({ pods: [{ ...pod, labels: {} }], tree });
  assert.deepEqual(lookup.byCgroup(12n), { ...inApp, pod: { ...shownPod, labels: {} } });
});

test("a cgroup that is gone is still answered for", () => {
  const { lookup } = aLookup();
  lookup.update({ pods: [], tree: { roots: [], pods: [] } });
  assert.deepEqual(lookup.byCgroup(12n), inApp);
});

test("an unknown cgroup asks for sweeps until one had to see it", () => {
  const { lookup, sweeper } = aLookup();
  assert.equal(lookup.byCgroup(99n), undefined);
  sweeper.sweeps += 1; // this one may have been under way
  lookup.byCgroup(99n);
  assert.equal(sweeper.asked, 2);
  sweeper.sweeps += 1;
  lookup.byCgroup(99n);
  assert.equal(sweeper.asked, 2);
});
