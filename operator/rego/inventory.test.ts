import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "@guardbee/kube";
import { projectWorkload } from "./inventory.ts";

const template = {
  metadata: { labels: { app: "web" } },
  spec: {
    serviceAccountName: "web",
    containers: [
      { name: "main", image: "example/web:1@sha256:abc", env: [{ name: "SECRET", value: "x" }] },
      { name: "side", image: "example/side:2" },
    ],
  },
};
const metadata = { name: "web", namespace: "shop", labels: { tier: "edge" } };
const web = {
  ...{ namespace: "shop", name: "web", labels: { tier: "edge" }, podLabels: { app: "web" } },
  serviceAccount: "web",
  containers: [
    { name: "main", image: "example/web:1@sha256:abc", digest: "sha256:abc" },
    { name: "side", image: "example/side:2" },
  ],
};

test("a workload has labels, service account and containers, and nothing else of its spec", () => {
  const raw = { metadata, spec: { replicas: 3, template } };
  const workload = projectWorkload(resources.deployment, raw);
  assert.deepEqual(workload, { kind: "Deployment", ...web });
});

test("a CronJob's pods are those of its jobs", () => {
  const raw = { metadata, spec: { jobTemplate: { spec: { template } } } };
  assert.deepEqual(projectWorkload(resources.cronJob, raw), { kind: "CronJob", ...web });
});

test("what a controller owns is a part of that", () => {
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "u" };
  const owned = { ...metadata, ownerReferences: [{ ...owner, controller: true }] };
  const spec = { template };
  assert.equal(projectWorkload(resources.replicaSet, { metadata: owned, spec }), undefined);
  const bare = { ...metadata, ownerReferences: [owner] };
  assert.equal(projectWorkload(resources.replicaSet, { metadata: bare, spec })?.kind, "ReplicaSet");
});
