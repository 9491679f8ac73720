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
