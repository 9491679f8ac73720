import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scope } from "../selector-set.ts";
import { inScope, type Place } from "./in-scope.ts";

const host: Place = { kind: "host" };
const known: Place = {
  kind: "pod",
  namespace: "shop",
  labels: { app: "web" },
  container: { name: "main", repos: ["nginx", "docker.io/library/nginx"] },
};
const unknown: Place = { kind: "pod", namespace: "shop" };
const nobody: Place = { kind: "pod", container: "unknown" };
const starting: Place = { ...known, container: "unknown" };

const web = { matchLabels: { app: "web" } };
const absent = {
  matchExpressions: [{ key: "constructor", operator: "NotIn" as const, values: ["x"] }],
};
const inShop = {
  matchExpressions: [
    { key: "k8s:io.kubernetes.pod.namespace", operator: "In" as const, values: ["shop"] },
  ],
};

const cases: readonly { name: string; scope: Scope; want: [boolean, boolean, boolean] }[] = [
  { name: "everywhere", scope: { host: true, pods: {} }, want: [true, true, true] },
  { name: "the host alone", scope: { host: true }, want: [true, false, false] },
  {
    name: "a namespace",
    scope: { host: false, pods: { namespaces: ["shop"] } },
    want: [false, true, true],
  },
  {
    name: "another namespace",
    scope: { host: false, pods: { namespaces: ["x"] } },
    want: [false, false, false],
  },
  {
    name: "labels, once they are known",
    scope: { host: false, pods: { labels: web } },
    want: [false, true, false],
  },
  {
    name: "an absent label, once that is known",
    scope: { host: false, pods: { labels: absent } },
    want: [false, true, false],
  },
  {
    name: "the namespace as a label",
    scope: { host: false, pods: { labels: inShop } },
    want: [false, true, false],
  },
  {
    name: "a container",
    scope: { host: false, pods: { containers: { matchLabels: { name: "main" } } } },
    want: [false, true, false],
  },
];
for (const { name, scope, want } of cases) {
  test(`inScope selects ${name}`, () => {
    assert.deepEqual(
      [host, known, unknown].map((place) => inScope(scope, place)),
      want,
    );
  });
}

/** Of a set that asks for it: in a pod of which nothing is known, its namespace alone, all but the container, all. */
const doubtful: readonly { name: string; pods: Scope["pods"]; want: readonly boolean[] }[] = [
  { name: "labels", pods: { labels: web }, want: [true, true, true, true] },
  {
    name: "labels that it has not",
    pods: { labels: { matchLabels: { app: "db" } } },
    want: [true, true, false, false],
  },
  {
    name: "its namespace as a label",
    pods: {
      labels: { matchExpressions: [...inShop.matchExpressions, ...absent.matchExpressions] },
    },
    want: [true, true, true, true],
  },
  {
    name: "another namespace as a label",
    pods: {
      labels: { matchLabels: { ...web.matchLabels, "k8s:io.kubernetes.pod.namespace": "x" } },
    },
    want: [true, false, false, false],
  },
  {
    name: "no pods of its namespace, as a label",
    pods: {
      labels: { matchExpressions: [{ ...inShop.matchExpressions[0]!, operator: "NotIn" }] },
    },
    want: [true, false, false, false],
  },
  {
    name: "a container",
    pods: { containers: { matchLabels: { name: "main" } } },
    want: [true, true, true, true],
  },
  {
    name: "another container",
    pods: { labels: web, containers: { matchLabels: { name: "side" } } },
    want: [true, true, true, false],
  },
  {
    name: "a namespace: never other pods",
    pods: { namespaces: ["shop"] },
    want: [false, true, true, true],
  },
  {
    name: "a namespace, and labels in it",
    pods: { namespaces: ["shop"], labels: web },
    want: [false, true, true, true],
  },
  {
    name: "another namespace",
    pods: { namespaces: ["x"], labels: web },
    want: [false, false, false, false],
  },
];
for (const { name, pods, want } of doubtful) {
  const places = [nobody, { ...unknown, container: "unknown" } as const, starting, known];
  const holdsIn = (scope: Scope) => places.map((place) => inScope(scope, place));
  test(`inScope, where it may be, selects ${name}`, () => {
    assert.deepEqual(holdsIn({ host: false, pods: { ...pods, unknown: "Deny" } }), want);
    assert.equal(inScope({ host: false, pods: { ...pods, unknown: "Deny" } }, host), false);
  });
  test(`inScope, once it is known, selects ${name}`, () => {
    const asked = holdsIn({ host: false, pods: { ...pods, unknown: "Deny" } });
    const holds = holdsIn({ host: false, ...(pods && { pods }) });
    assert.equal(holds.at(-1), asked.at(-1));
    assert.ok(holds.every((held, i) => !held || asked[i]));
  });
}

test("what selects a container holds neither in the pod's sandbox nor for asking", () => {
  const pods = { containers: { matchLabels: { name: "main" } }, unknown: "Deny" } as const;
  assert.equal(
    inScope({ host: false, pods }, { kind: "pod", namespace: "shop", labels: {} }),
    false,
  );
});
