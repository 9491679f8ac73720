import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import { hashSets } from "@guardbee/policy";
import type { Guard, Guarded } from "./guard-rails.ts";
import { judge } from "./judge.ts";

const signal = new AbortController().signal;
const scope = { host: false, pods: { namespaces: ["shop"] } };
const answering =
  (guarded: Partial<Guarded>): Guard =>
  async ({ set: { mode, scope: given } }) => ({
    ...{ problems: [], notes: [] },
    ...{ mode, scope: given },
    ...guarded,
  });

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

test("scope and mode are those that were lowered, unless a guard rail says otherwise", async () => {
  const asWritten = await judge(aPolicy(), answering({}), signal);
  assert.ok(asWritten.kind === "accepted");
  assert.deepEqual(asWritten.sets[0]?.scope, { host: true, pods: {} });
  assert.deepEqual(
    [asWritten.sets[0]?.mode, asWritten.mode, asWritten.requested, asWritten.enforces],
    ["enforce", "enforce", "enforce", true],
  );
  const judgement = await judge(aPolicy(), answering({ scope, mode: "monitor" }), signal);
  assert.ok(judgement.kind === "accepted");
  assert.deepEqual(judgement.sets[0]?.scope, scope);
  assert.deepEqual(
    [judgement.sets[0]?.mode, judgement.mode, judgement.requested, judgement.enforces],
    ["monitor", "monitor", "enforce", true],
  );
  for (const { hash, sets } of [asWritten, judgement]) assert.equal(hash, hashSets(sets));
  assert.notEqual(judgement.hash, asWritten.hash);
});

test("what a guard rail refuses is Refused, with its problems, in the mode as written", async () => {
  const problem = { field: "spec.x", what: "is bad", fix: "change it", kind: "invalid" } as const;
  const note = { name: "builtin/translation", effect: "refused", message: "is bad" } as const;
  const refusing = answering({ problems: [problem], notes: [note], mode: "monitor" });
  assert.deepEqual(await judge(aPolicy(), refusing, signal), {
    kind: "refused",
    reason: "Refused",
    problems: [problem],
    mode: "enforce",
    notes: [note],
  });
});

test("a policy that Rego has no answer for is an error, not a refusal", async () => {
  const failing: Guard = async () => {
    throw new Error("took too long");
  };
  await assert.rejects(judge(aPolicy(), failing, signal), { message: "took too long" });
});

const refused: readonly { name: string; spec: object; reason: string; mode?: string }[] = [
  { name: "an unknown field is InvalidSpec", spec: { kprobez: [] }, reason: "InvalidSpec" },
  {
    name: "what the engine cannot do is NotSupported",
    spec: {
      kprobes: [
        {
          call: "fd_install",
          syscall: false,
          args: [{ index: 0, type: "int" }],
          selectors: [
            {
              matchBinaries: [{ operator: "In", values: ["/usr/bin/vi"], followChildren: true }],
            },
          ],
        },
      ],
    },
    reason: "NotSupported",
    mode: "enforce",
  },
];
for (const { name, spec, reason, mode } of refused) {
  test(`${name}, without asking Rego`, async () => {
    const asked: Guard = async () => {
      throw new Error("asked");
    };
    const judgement = await judge(aPolicy(spec), asked, signal);
    assert.ok(judgement.kind === "refused");
    assert.equal(judgement.reason, reason);
    assert.equal(judgement.mode, mode);
    assert.ok(judgement.problems.length > 0);
  });
}
