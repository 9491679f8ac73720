import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook, SelectorSet } from "@guardbee/policy";
import { sizeOfAll } from "../fleet/object-size.ts";
import { NamespaceQuota, namespaceBounds, type Stored } from "./namespace-quota.ts";

const namespace = "shop";

/** A policy with so many values, in one selector. */
function aSet(count: number): SelectorSet {
  const values = Array.from({ length: count }, (_, i) => i);
  const pids = { by: "pid", op: "In", inNamespace: false, followForks: false, values } as const;
  const hook: Hook = {
    ...{ on: { kind: "exec" }, args: [] },
    selectors: [{ conditions: [pids], actions: [] }],
  };
  const policy = { kind: "ExecPolicyNamespaced", namespace, name: "p" } as const;
  return { policy, mode: "enforce", scope: { host: false, pods: {} }, hooks: [hook] };
}

function entry(name: string, ...sets: readonly SelectorSet[]): Stored {
  return { name, size: sizeOfAll(sets) };
}

const full = namespaceBounds.values;

test("what is too much for a namespace is refused with the bound and the number", () => {
  const quota = new NamespaceQuota(() => [entry("a", aSet(full - 10))]);
  assert.deepEqual(quota.take({ name: "b", namespace, sets: [aSet(11)] }), [
    {
      field: "metadata.namespace",
      what: "shop would have 10001 values in its policies, of which this has 11",
      fix: "at most 10000 in one namespace: remove or shorten others",
      kind: "invalid",
    },
  ]);
  assert.deepEqual(quota.take({ name: "b", namespace, sets: [aSet(10)] }), []);
});

test("what was granted counts before it is seen, in its own namespace only", () => {
  const quota = new NamespaceQuota(() => []);
  assert.deepEqual(
    quota.take({ name: "execpolicynamespaced.shop.a", namespace, sets: [aSet(full)] }),
    [],
  );
  assert.equal(
    quota.take({ name: "execpolicynamespaced.shop.b", namespace, sets: [aSet(1)] }).length,
    1,
  );
  assert.deepEqual(
    quota.take({ name: "execpolicynamespaced.other.c", namespace: "other", sets: [aSet(1)] }),
    [],
  );
  quota.forget("execpolicynamespaced.shop.a");
  assert.deepEqual(
    quota.take({ name: "execpolicynamespaced.shop.b", namespace, sets: [aSet(1)] }),
    [],
  );
});

test("an edit that needs no more than before is taken, also beyond the bound", () => {
  const quota = new NamespaceQuota(() => [entry("a", aSet(full)), entry("b", aSet(20))]);
  assert.deepEqual(quota.take({ name: "b", namespace, sets: [aSet(20)] }), []);
  assert.deepEqual(quota.take({ name: "b", namespace, sets: [aSet(19)] }), []);
  assert.equal(quota.take({ name: "b", namespace, sets: [aSet(20)] }).length, 1);
});

test("policies that one object generates count each", () => {
  const quota = new NamespaceQuota(() => []);
  const sets = Array.from({ length: namespaceBounds.policies + 1 }, () => aSet(1));
  const [problem] = quota.take({ name: "regopolicynamespaced.shop.p", namespace, sets });
  assert.match(problem!.what, /^shop would have 129 policies/);
});
