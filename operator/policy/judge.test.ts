import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import type { Guard } from "../rego/guard-rails.ts";
import { judge } from "./judge.ts";
import type { Decision, Translate } from "./translate.ts";

const signal = new AbortController().signal;
const scope = { host: false, pods: { namespaces: ["shop"] } };
const answering =
  (decision: Decision): Translate =>
  async () =>
    decision;
const noGuard: Guard = async ({ set: { mode, scope: given } }) => ({
  ...{ problems: [], notes: [] },
  ...{ mode, scope: given },
});
const accepting = answering({ accepted: true, scope, mode: "monitor" });

function aPolicy(spec: object = {}): KubeObject {
  const kprobe = {
    call: "fd_install",
    syscall: false,
    args: [{ index: 0, type: "int" }],
    selectors: [{ matchActions: [{ action: "Sigkill" }] }],
  };
  return {
    apiVersion: "cilium.io/v1alpha1",
    kind: "TracingPolicy",
    metadata: { name: "p" },
    spec: { kprobes: [kprobe], ...spec },
  };
}

test("scope and mode are those that Rego decided", async () => {
  const judgement = await judge(aPolicy(), { translate: accepting, guard: noGuard }, signal);
  assert.ok(judgement.kind === "accepted");
  assert.deepEqual(judgement.sets[0]?.scope, scope);
  assert.deepEqual(
    [judgement.sets[0]?.mode, judgement.mode, judgement.enforces],
    ["monitor", "monitor", true],
  );
});

test("what Rego refuses is Refused, with its problems", async () => {
  const problem = { field: "spec.x", what: "is bad", fix: "change it", kind: "invalid" } as const;
  const decision = { accepted: false, problems: [problem], mode: "enforce" } as const;
  assert.deepEqual(
    await judge(aPolicy(), { translate: answering(decision), guard: noGuard }, signal),
    {
      kind: "refused",
      reason: "Refused",
      problems: [problem],
      mode: "enforce",
    },
  );
});

test("a policy that Rego has no answer for is an error, not a refusal", async () => {
  const failing: Translate = async () => {
    throw new Error("took too long");
  };
  await assert.rejects(judge(aPolicy(), { translate: failing, guard: noGuard }, signal), {
    message: "took too long",
  });
});

const refused: readonly { name: string; spec: object; reason: string }[] = [
  { name: "an unknown field is InvalidSpec", spec: { kprobez: [] }, reason: "InvalidSpec" },
  {
    name: "what the engine cannot do is NotSupported",
    spec: {
      kprobes: [
        {
          call: "fd_install",
          syscall: false,
          args: [{ index: 0, type: "int" }],
          selectors: [{ matchArgs: [{ index: 0, operator: "Mask", values: ["1"] }] }],
        },
      ],
    },
    reason: "NotSupported",
  },
];
for (const { name, spec, reason } of refused) {
  test(`${name}, without asking Rego`, async () => {
    const asked: Translate = async () => {
      throw new Error("asked");
    };
    const judgement = await judge(aPolicy(spec), { translate: asked, guard: noGuard }, signal);
    assert.ok(judgement.kind === "refused");
    assert.equal(judgement.reason, reason);
    assert.ok(judgement.problems.length > 0);
  });
}
