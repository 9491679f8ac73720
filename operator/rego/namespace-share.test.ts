import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceOf } from "@guardbee/policy";
import { projectPolicy } from "../fleet/objects.ts";
import { overShare } from "./namespace-share.ts";

/** The `i`th that was made in its namespace; negative: it is not stored. */
function aPolicy(name: string, i: number, namespace = "shop") {
  const creationTimestamp = i < 0 ? undefined : `2026-11-29T10:00:${String(i).padStart(2, "0")}Z`;
  const metadata = { name, namespace, ...(creationTimestamp && { creationTimestamp }) };
  return projectPolicy(resourceOf("RegoPolicyNamespaced"), { metadata });
}

const eight = Array.from({ length: 8 }, (_, i) => aPolicy(`p${i}`, i + 1));

test("eight are in force in a namespace, those that were made first", () => {
  const ninth = aPolicy("a", 9);
  const all = [ninth, ...eight];
  assert.deepEqual(
    all.filter((one) => overShare(one, all) !== undefined),
    [ninth],
  );
  assert.deepEqual(overShare(ninth, all)?.problems, [
    {
      field: "metadata.namespace",
      what: "is shop, which has 8 RegoPolicyNamespaceds made before, and 8 are the most",
      fix: "delete one of them, or write what this one says into one",
      kind: "invalid",
    },
  ]);
});

test("of those made in one second the name decides", () => {
  const all = ["b", "a", "c", "d", "e", "f", "g", "i", "h"].map((name) => aPolicy(name, 1));
  const over = all.filter((one) => overShare(one, all) !== undefined);
  assert.deepEqual(
    over.map(({ object }) => object.metadata.name),
    ["i"],
  );
});

test("one that is being applied comes last, unless it is there already", () => {
  assert.ok(overShare(aPolicy("a", -1), eight));
  assert.equal(overShare(aPolicy("p3", -1), eight), undefined);
  assert.equal(overShare(aPolicy("a", -1), eight.slice(1)), undefined);
});

test("other namespaces, and policies of the cluster, do not count", () => {
  assert.equal(overShare(aPolicy("a", 9, "bank"), eight), undefined);
  const cluster = projectPolicy(resourceOf("RegoPolicy"), { metadata: { name: "all" } });
  assert.equal(overShare(cluster, eight), undefined);
});
