import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceIn } from "./request-resource.ts";

const paths: readonly [path: string, want: string][] = [
  ["/api/v1/nodes", "nodes"],
  ["/api/v1/nodes/n1", "nodes"],
  ["/api/v1/namespaces", "namespaces"],
  ["/api/v1/namespaces/shop", "namespaces"],
  ["/api/v1/namespaces/shop/status", "namespaces/status"],
  ["/api/v1/namespaces/shop/configmaps", "configmaps"],
  ["/api/v1/namespaces/shop/configmaps/status", "configmaps"],
  ["/apis/guardbee.io/v1alpha1/nodepolicysets/n1/status", "nodepolicysets.guardbee.io/status"],
  [
    "/apis/cilium.io/v1alpha1/namespaces/shop/tracingpoliciesnamespaced/web/status",
    "tracingpoliciesnamespaced.cilium.io/status",
  ],
  ["/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "leases.coordination.k8s.io"],
  ["/apis/guardbee.io/v1alpha1", "other"],
  ["/version", "other"],
];
for (const [path, want] of paths) {
  test(`a request to ${path} is about ${want}`, () => assert.equal(resourceIn(path), want));
}
