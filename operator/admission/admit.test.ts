import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import type { Problem } from "@guardbee/policy";
import type { Judgement, RefusalReason } from "../judge/judgement.ts";
import { admit, type Judge } from "./admit.ts";
import type { AdmissionRequest } from "./review.ts";

const signal = new AbortController().signal;

function aPolicy(spec: unknown, metadata: object = {}): KubeObject {
  return {
    apiVersion: "cilium.io/v1alpha1",
    kind: "TracingPolicy",
    metadata: { name: "p", ...metadata },
    spec,
  };
}

function aRequest(overrides: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const kind = { group: "cilium.io", kind: "TracingPolicy" };
  const object = aPolicy("bad");
  return { uid: "u", operation: "CREATE", kind, object, oldObject: undefined, ...overrides };
}

const problem: Problem = {
  ...{ field: "spec.kprobes[0].call", what: 'is ""', fix: "name a function", kind: "invalid" },
};
const refusal = (reason: RefusalReason, problems: readonly Problem[] = [problem]): Judgement => ({
  ...{ kind: "refused", reason, problems },
});
const accepted = { kind: "accepted", notes: [] } as unknown as Judgement;

/** Refuses what has the spec "bad" or label "bad". */
const judge: Judge = async ({ object }) =>
  object.spec === "bad" || object.metadata.labels?.bad ? refusal("InvalidSpec") : accepted;
const giving =
  (judgement: Judgement): Judge =>
  async () =>
    judgement;

const denied = {
  allowed: false,
  code: 422,
  reason: "Invalid",
  message: 'spec.kprobes[0].call: is ""; name a function',
  warnings: [],
};

test("a wrong policy is denied: field, what, and what to do", async () => {
  assert.deepEqual(await admit(aRequest(), judge, signal), denied);
});

test("what a guard rail refuses is forbidden", async () => {
  const verdict = await admit(aRequest(), giving(refusal("Refused")), signal);
  assert.deepEqual(verdict, { ...denied, code: 403, reason: "Forbidden" });
});

test("what this version cannot do is let through, with a warning", async () => {
  assert.deepEqual(await admit(aRequest(), giving(refusal("NotSupported")), signal), {
    allowed: true,
    warnings: ['not in force: spec.kprobes[0].call: is ""; name a function'],
  });
});

test("what guard rails changed or warn of is a warning", async () => {
  const notes = [
    { name: "builtin/a", effect: "changed", message: "mode: enforce to monitor" },
    { name: "RegoPolicy b", effect: "warned", message: "take\ncare" },
  ];
  const judgement = { kind: "accepted", notes } as unknown as Judgement;
  assert.deepEqual(await admit(aRequest(), giving(judgement), signal), {
    allowed: true,
    warnings: [
      "guard rail builtin/a changed: mode: enforce to monitor",
      "guard rail RegoPolicy b warned: take care",
    ],
  });
});

test("no answer is no refusal", async () => {
  const failing: Judge = async () => {
    throw new Error("rego took too long");
  };
  assert.deepEqual(await admit(aRequest(), failing, signal), {
    allowed: true,
    warnings: ["not checked yet, see its status: rego took too long"],
  });
});

const [bad, good] = [aPolicy("bad"), aPolicy("good")];
const stays = {
  allowed: true,
  warnings: ['stays refused: spec.kprobes[0].call: is ""; name a function'],
};
const updates: readonly {
  name: string;
  object: KubeObject;
  oldObject: KubeObject;
  want: object;
}[] = [
  { name: "a bad edit is denied", object: bad, oldObject: good, want: denied },
  {
    name: "an annotation of a refused policy passes",
    object: aPolicy("bad", { annotations: { a: "b" } }),
    oldObject: bad,
    want: stays,
  },
  {
    name: "the finalizers of a refused policy pass",
    object: bad,
    oldObject: aPolicy("bad", { finalizers: ["f"] }),
    want: stays,
  },
  {
    name: "a label that gets an accepted policy refused is denied",
    object: aPolicy("good", { labels: { bad: "1" } }),
    oldObject: good,
    want: denied,
  },
  {
    name: "a refused policy is not replaced by another one that would be",
    object: aPolicy("other", { labels: { bad: "1" } }),
    oldObject: bad,
    want: denied,
  },
  {
    name: "a policy that is being deleted passes",
    object: aPolicy("bad", { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    oldObject: good,
    want: { allowed: true, warnings: [] },
  },
];
for (const { name, want, ...objects } of updates) {
  test(`update: ${name}`, async () => {
    const request = aRequest({ operation: "UPDATE", ...objects });
    assert.deepEqual(await admit(request, judge, signal), want);
  });
}

test("other kinds, deletions and connects are none of ours", async () => {
  const others = [
    aRequest({ kind: { group: "cilium.io", kind: "CiliumNetworkPolicy" } }),
    aRequest({ kind: { group: "example.io", kind: "TracingPolicy" } }),
    aRequest({ operation: "DELETE", object: undefined, oldObject: bad }),
    aRequest({ operation: "CONNECT" }),
  ];
  for (const request of others) {
    assert.deepEqual(await admit(request, judge, signal), { allowed: true, warnings: [] });
  }
});

test("a message names the first 20 problems, none longer than 1,000 characters", async () => {
  const problems = Array.from({ length: 25 }, (_, i) => ({
    ...problem,
    field: `spec.kprobes[${i}]`,
    what: "x".repeat(5_000),
  }));
  const verdict = await admit(aRequest(), giving(refusal("InvalidSpec", problems)), signal);
  assert.ok(!verdict.allowed);
  const lines = verdict.message.split("\n");
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1), "and 5 more");
  assert.deepEqual([...new Set(lines.slice(0, 20).map(({ length }) => length))], [1_000]);
});

test("what is probably not meant is let through, with a warning", async () => {
  const judgement = { ...accepted, warnings: [problem] } as unknown as Judgement;
  assert.deepEqual(await admit(aRequest(), giving(judgement), signal), {
    allowed: true,
    warnings: ['spec.kprobes[0].call: is ""; name a function'],
  });
});

test("a patch that removes a selector, or what one asks for, is told so", async () => {
  const request = aRequest({
    operation: "UPDATE",
    object: aPolicy({ kprobes: [], nodeSelector: {} }),
    oldObject: aPolicy({
      kprobes: [],
      podSelector: {},
      nodeSelector: { matchLabels: { zone: "a" } },
    }),
  });
  assert.deepEqual(await admit(request, giving(accepted), signal), {
    allowed: true,
    warnings: [
      "spec.podSelector: was there before and is gone: without it, the policy holds in every pod",
      "spec.nodeSelector.matchLabels: was there before and is gone: without it, it selects all",
    ],
  });
});

test("warnings past the twelfth are counted", async () => {
  const warnings = Array.from({ length: 15 }, () => problem);
  const judgement = { ...accepted, warnings } as unknown as Judgement;
  const verdict = await admit(aRequest(), giving(judgement), signal);
  assert.deepEqual([verdict.warnings.length, verdict.warnings[12]], [13, "and 3 more warnings"]);
});
