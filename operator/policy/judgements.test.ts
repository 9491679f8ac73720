import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceOf } from "@guardbee/policy";
import { projectPolicy } from "../fleet/objects.ts";
import { guardWith, type Rail } from "../judge/guard-rails.ts";
import type { RegoPolicies } from "../rego/rego-policies.ts";
import { Judgements } from "./judgements.ts";

const never = new AbortController().signal;
const facts = { ownNamespace: "guardbee-system", namespaces: {}, disabled: [] };

/** Says by whom it was asked; `busy`: never answers. */
function railOf(name: string, asked: string[], state: "free" | "busy"): Rail {
  return {
    name,
    decide: async () => {
      asked.push(`${name} guard rails`);
      if (state === "busy") await new Promise(() => {});
      return {};
    },
  };
}

/** Without RegoPolicies. */
function regoOf(builtin: Rail): RegoPolicies {
  const rego: Partial<RegoPolicies> = {
    inputsOf: () => "",
    guard: (subject, signal) => guardWith([builtin], subject, facts, signal),
    review: (subject, rail, signal) => guardWith([rail], subject, facts, signal),
  };
  return rego as RegoPolicies;
}

const policy = projectPolicy(resourceOf("TracingPolicy"), {
  apiVersion: "cilium.io/v1alpha1",
  kind: "TracingPolicy",
  metadata: { name: "p", uid: "u", generation: 1 },
  spec: { kprobes: [{ call: "fd_install", syscall: false, args: [{ index: 0, type: "int" }] }] },
});

test("what is stored is judged while reviews have no end, and the other way round", async () => {
  for (const busy of ["reviews", "controller"] as const) {
    const asked: string[] = [];
    const controller = railOf("controller", asked, busy === "controller" ? "busy" : "free");
    const judgements = new Judgements(regoOf(controller), {
      builtin: railOf("reviews", asked, busy === "reviews" ? "busy" : "free"),
      compile: () => assert.fail("there is no Rego to compile"),
    });
    const judge = {
      controller: () => judgements.get(policy, never),
      reviews: () => judgements.check(policy, never),
    };
    const other = busy === "reviews" ? "controller" : "reviews";
    judge[busy]();
    assert.equal((await judge[other]()).kind, "accepted");
    assert.deepEqual(asked, [`${busy} guard rails`, `${other} guard rails`]);
  }
});
