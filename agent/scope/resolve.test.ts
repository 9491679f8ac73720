import assert from "node:assert/strict";
import { test } from "node:test";

import type { Scope, SelectorSet } from "@guardbee/policy";
import { type Pod, workloadsName } from "@guardbee/policy/sets";
import type { CgroupTree, ContainerCgroup, PodCgroup } from "./cgroups.ts";
import { equalScopes, resolveScopes } from "./resolve.ts";

const PAUSE = "a".repeat(64);
const APP = "b".repeat(64);
const NEW = "c".repeat(64);
const namespaceKey = "k8s:io.kubernetes.pod.namespace";
const spec = { image: "reg:5000/web/app:1", privileged: false };

function aSet(name: string, scope: Scope): { name: string; set: SelectorSet } {
  const set: SelectorSet = {
    policy: { kind: "TracingPolicy", name },
    mode: "enforce",
    scope,
    hooks: [],
  };
  return { name, set };
}

function aPod(changes: Partial<Pod> = {}): Pod {
  return {
    namespace: "web",
    name: "front",
    uid: "u1",
    cgroupUid: "u1",
    labels: { app: "front" },
    workload: { kind: "Pod", name: "front" },
    hostPid: false,
    hostNetwork: false,
    finished: false,
    containers: [
      {
        name: "app",
        image: "reg:5000/web/app:1",
        privileged: false,
        running: { id: `containerd://${APP}`, imageId: "sha256:1", live: true },
      },
    ],
    ...changes,
  };
}

/** kubepods 1; pod u1 10 with pause 11, app 12 (13 inside), a new one 14, other 15; pod u2 20. */
const tree: CgroupTree = {
  roots: [{ id: 1n, path: "/kubepods", level: 1, qosFolders: [2n] }],
  pods: [
    {
      id: 10n,
      path: "/kubepods/besteffort/podu1",
      uid: "u1",
      containers: [
        { id: 11n, path: "", containerId: PAUSE, nested: [] },
        { id: 12n, path: "", containerId: APP, nested: [13n] },
        { id: 14n, path: "", containerId: NEW, nested: [] },
      ],
      others: [15n],
    },
    { id: 20n, path: "/kubepods/besteffort/podu2", uid: "u2", containers: [], others: [] },
  ],
};

function asking(pods: NonNullable<Scope["pods"]>): Scope {
  return { host: false, pods: { ...pods, unknown: "Deny" } };
}

type Row = {
  readonly name: string;
  readonly scope: Scope;
  readonly pod?: Partial<Pod>;
  /** Ids of the cgroups that are listed, host being 0 and pods that are not known 1, in which the set holds. */
  readonly want: readonly number[];
};
const everyPod = [1, 10, 11, 12, 14, 20];
const podU1 = [10, 11, 12, 14];

const rows: readonly Row[] = [
  { name: "host alone", scope: { host: true }, want: [0] },
  { name: "everything", scope: { host: true, pods: {} }, want: [0, ...everyPod] },
  { name: "every pod", scope: { host: false, pods: {} }, want: everyPod },
  { name: "its namespace", scope: { host: false, pods: { namespaces: ["web"] } }, want: podU1 },
  { name: "another namespace", scope: { host: false, pods: { namespaces: ["db"] } }, want: [] },
  {
    name: "its label",
    scope: { host: false, pods: { labels: { matchLabels: { app: "front" } } } },
    want: podU1,
  },
  {
    name: "another label",
    scope: { host: false, pods: { labels: { matchLabels: { app: "back" } } } },
    want: [],
  },
  {
    name: "a label it lacks, on a pod that is not known",
    scope: {
      host: false,
      pods: { labels: { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] } },
    },
    want: [],
  },
  {
    name: "its namespace by label",
    scope: {
      host: false,
      pods: { labels: { matchLabels: { "k8s:io.kubernetes.pod.namespace": "web" } } },
    },
    want: podU1,
  },
  {
    name: "its namespace, whatever the pod says of itself",
    scope: {
      host: false,
      pods: { labels: { matchLabels: { "k8s:io.kubernetes.pod.namespace": "web" } } },
    },
    pod: { labels: { "k8s:io.kubernetes.pod.namespace": "db" } },
    want: podU1,
  },
  {
    name: "a container by name: those not reported yet hold it as little as the sandbox",
    scope: { host: false, pods: { containers: { matchLabels: { name: "app" } } } },
    want: [12],
  },
  {
    name: "a container by repo",
    scope: {
      host: false,
      pods: {
        containers: {
          matchExpressions: [{ key: "repo", operator: "In", values: ["reg:5000/web/app"] }],
        },
      },
    },
    want: [12],
  },
  {
    name: "another container",
    scope: { host: false, pods: { containers: { matchLabels: { name: "side" } } } },
    want: [],
  },
  {
    name: "its label, also where it is not known",
    scope: asking({ labels: { matchLabels: { app: "front" } } }),
    want: everyPod,
  },
  {
    name: "another label, also where it is not known",
    scope: asking({ labels: { matchLabels: { app: "back" } } }),
    want: [1, 20],
  },
  {
    name: "its namespace, also where it is not known: never in other pods",
    scope: asking({ namespaces: ["web"], labels: { matchLabels: { app: "front" } } }),
    want: podU1,
  },
  {
    name: "a container, also where it is not known, so as long as the sandbox is not, either",
    scope: asking({ containers: { matchLabels: { name: "app" } } }),
    want: everyPod,
  },
  {
    name: "another container, also where it is not known",
    scope: asking({ containers: { matchLabels: { name: "side" } } }),
    want: [1, 10, 11, 14, 20],
  },
  {
    name: "a container of another pod, also where it is not known",
    scope: asking({
      labels: { matchLabels: { app: "back" } },
      containers: { matchLabels: { name: "app" } },
    }),
    want: [1, 20],
  },
  {
    name: "the agent's own pod, also where pods are not known",
    scope: asking({ labels: { matchLabels: { app: "front" } } }),
    pod: { uid: "own" },
    want: [1, 20],
  },
  {
    name: "the agent's own pod",
    scope: { host: true, pods: {} },
    pod: { uid: "own" },
    want: [0, 1, 20],
  },
];

for (const { name, scope, pod, want } of rows) {
  test(`resolveScopes of a set for ${name}`, () => {
    const scopes = resolveScopes([aSet("s", scope)], { pods: [aPod(pod)], tree }, "own");
    const listed = [{ id: 1n, sets: scopes.unknownPods }, ...scopes.cgroups];
    const holding = listed.filter(({ sets }) => sets.length > 0);
    const ids = holding.map(({ id }) => Number(id)).sort((a, b) => a - b);
    assert.deepEqual([...(scopes.host.length > 0 ? [0] : []), ...ids], want);
  });
}

test("the agent's own pod holds nothing, also before its object is known", () => {
  const set = aSet("s", { host: false, pods: {} });
  const { cgroups } = resolveScopes([set], { pods: [], tree }, "u2");
  assert.deepEqual(
    cgroups.find(({ id }) => id === 20n),
    { id: 20n, sets: [] },
  );
});

test("every pod and container is listed, with sorted names, and no cgroup that the kernel finds them from", () => {
  const sets = [
    aSet("z", { host: true, pods: {} }),
    aSet("b", { host: false, pods: { namespaces: ["web"] } }),
    aSet("a", { host: true, pods: {} }),
  ];
  const scopes = resolveScopes(sets, { pods: [aPod()], tree });
  assert.deepEqual(scopes, {
    host: ["a", "z"],
    podRoots: [{ id: 1n, level: 1, qosFolders: [2n] }],
    unknownPods: ["a", "z"],
    cgroups: [
      ...[10n, 11n, 12n, 14n].map((id) => ({ id, sets: ["a", "b", "z"] })),
      { id: 20n, sets: ["a", "z"] },
    ],
  });
});

test("equalScopes tells a moved cgroup, a new one, other roots and other lists apart", () => {
  const cgroups = [{ id: 1n, sets: ["a"] }];
  const scopes = { host: ["a"], podRoots: [{ id: 9n, level: 1 }], unknownPods: ["a"], cgroups };
  assert.equal(equalScopes(scopes, structuredClone(scopes)), true);
  assert.equal(equalScopes(scopes, { ...scopes, host: [] }), false);
  assert.equal(equalScopes(scopes, { ...scopes, unknownPods: [] }), false);
  assert.equal(equalScopes(scopes, { ...scopes, podRoots: [{ id: 9n }] }), false);
  assert.equal(equalScopes(scopes, { ...scopes, cgroups: [{ id: 1n, sets: [] }] }), false);
  assert.equal(equalScopes(scopes, { ...scopes, cgroups: [{ id: 2n, sets: ["a"] }] }), false);
});

test("which container it is, its runtime says before kubelet does; of a pod that is not known, its namespace", () => {
  const [app, side] = ["app", "side"].map((name) =>
    aSet(name, asking({ containers: { matchLabels: { name } } })),
  );
  const web = aSet("web", {
    host: false,
    pods: { labels: { matchLabels: { [namespaceKey]: "web", app: "x" } }, unknown: "Deny" },
  });
  const said = (podUid: string, name?: string) => ({
    runtime: { podUid, namespace: "web", ...(name === undefined ? {} : { name }) },
  });
  const inPod = { ...aPod(), containers: ["app", "side"].map((name) => ({ ...spec, name })) };
  const [u1, u2] = tree.pods as [PodCgroup, PodCgroup];
  const [pause, first, second] = u1.containers as [
    ContainerCgroup,
    ContainerCgroup,
    ContainerCgroup,
  ];
  const other = { id: 21n, path: "", containerId: "d".repeat(64), nested: [] };
  const pods = [
    {
      ...u1,
      containers: [
        { ...pause, ...said("u1") },
        { ...first, ...said("u1", "app") },
        { ...second, ...said("u1", "gone") },
      ],
    },
    { ...u2, containers: [{ ...other, ...said("u2") }] },
    { ...u2, id: 30n, uid: "u3" },
  ];
  const { cgroups } = resolveScopes([app!, side!, web], { pods: [inPod], tree: { ...tree, pods } });
  assert.deepEqual(
    cgroups.map(({ id, sets }) => `${id} ${sets.join()}`),
    [
      "10 app,side",
      "11 ",
      "12 app",
      "14 app,side",
      "20 app,side,web",
      "21 app,side,web",
      "30 app,side,web",
    ],
  );
  const elsewhere = pods.map((pod) => ({
    ...pod,
    containers: pod.containers.map((one) => ({
      ...one,
      ...("runtime" in one ? { runtime: { ...one.runtime, namespace: "db" } } : {}),
    })),
  }));
  const there = resolveScopes([web], { pods: [], tree: { ...tree, pods: elsewhere } }).cgroups;
  assert.deepEqual(
    there.filter(({ sets }) => sets.length > 0).map(({ id }) => id),
    [30n],
  );
});

test("a selector's workloads are listed beside the set, where both are", () => {
  const workloads: Scope = { host: true, pods: { containers: { matchLabels: { name: "app" } } } };
  const { name, set } = aSet("p", {
    host: true,
    pods: { labels: { matchLabels: { app: "front" } } },
  });
  const selectors = [{ conditions: [], workloads, actions: [] }];
  const hook = { on: { kind: "exec" as const }, args: [], selectors };
  const named = { name, set: { ...set, hooks: [hook, hook] } };
  const both = ["p", workloadsName("p", workloads)];
  const { host, unknownPods, cgroups } = resolveScopes([named], { pods: [aPod()], tree });
  assert.deepEqual([host, unknownPods], [both, []]);
  assert.deepEqual(
    cgroups.map(({ id, sets }) => [id, sets]),
    [
      ...[10n, 11n].map((id) => [id, ["p"]]),
      [12n, both],
      ...[
        [14n, ["p"]],
        [20n, []],
      ],
    ],
  );
});
