import assert from "node:assert/strict";
import { test } from "node:test";
import { isProposable, learnOf, parseExecReport } from "./learn.ts";
import { execReportBounds } from "./schema/node-exec-report.ts";
import { anExecPolicy, lowered, problemsOf } from "./testing/a-policy.ts";

test("learn: {} is 24 hours and no restart", () => {
  assert.deepEqual(learnOf({ learn: {} }), { minDurationMs: 86_400_000, minRestarts: 0 });
  assert.equal(learnOf({}), undefined);
});

test("learn without rules.allow is refused", () => {
  const capability = { matchCapabilities: [{ operator: "In", values: ["CAP_SYS_ADMIN"] }] };
  assert.deepEqual(problemsOf(anExecPolicy([capability], { learn: {} })), [
    "invalid spec.learn: is of an allow-list, and there is none; write rules.allow, which may be an empty list; or remove learn",
  ]);
});

test("learn without anything behind it is refused, and so is a time that is none", () => {
  assert.match(String(problemsOf(anExecPolicy([], { learn: null }))), /spec.learn: is empty/);
  const odd = anExecPolicy([], { learn: { minDuration: "soon" } });
  assert.match(String(problemsOf(odd)), /spec.learn.minDuration: /);
});

for (const path of ["/bin/sh", "/a b/c", "/opt/[x]*"]) {
  test(`${path} can be proposed`, () => assert.ok(isProposable(path)));
}
for (const path of [
  ...["", "sh", "/bin/", "/bin//sh", "/bin/../sh", "/bin/..", "/bin/sh ", "/bin/\u001b[31m"],
  ...["/bin/\u202egnp", "/bin/a\nb", `/${"x".repeat(execReportBounds.pathLength)}`],
]) {
  test(`${JSON.stringify(path).slice(0, 40)} cannot be proposed`, () =>
    assert.ok(!isProposable(path)));
}

test("a report with more than its bounds is none", () => {
  const executables = Array.from({ length: 201 }, (_, i) => ({ path: `/${i}`, count: 1 }));
  const workloads = [{ kind: "Pod", name: "p", namespace: "n", executables }];
  const policies = [{ set: "s", since: "2026-01-01T00:00:00Z", workloads }];
  const parsed = parseExecReport({ policies });
  assert.ok(!parsed.ok);
  assert.match(parsed.problems[0]!.what, /201/);
  const fewer = [{ ...workloads[0], executables: executables.slice(1) }];
  assert.ok(parseExecReport({ policies: [{ ...policies[0], workloads: fewer }] }).ok);
});

test("a policy that learns tells what is from the image from the rest, and both are stopped", () => {
  const raw = { ...anExecPolicy([]), spec: { podSelector: {}, learn: {}, rules: { allow: [] } } };
  const { learn, hooks } = lowered(raw);
  assert.deepEqual(learn, { hook: 0, others: 1, fromImage: 0 });
  const [image, rest] = hooks[0]!.selectors;
  assert.deepEqual(image!.actions, rest!.actions);
  assert.equal(image!.surely, true);
  const asked = image!.conditions.filter(
    (one) => !rest!.conditions.some((other) => JSON.stringify(other) === JSON.stringify(one)),
  );
  assert.deepEqual(asked, [{ by: "arg", arg: 0, op: "FromImage", values: ["1"] }]);
  const plain = { ...raw, spec: { podSelector: {}, rules: { allow: [] } } };
  assert.deepEqual(lowered(plain).hooks[0]!.selectors, [rest]);
});

test("beside conditions of the first form it is the hook of the lists that is learned from", () => {
  const item = { matchCapabilities: [{ operator: "In", values: ["CAP_SYS_ADMIN"] }] };
  const rules = { selectors: [item], allow: [{ paths: ["/bin/sh"] }] };
  const raw = { ...anExecPolicy([]), spec: { podSelector: {}, learn: {}, rules } };
  assert.deepEqual(lowered(raw).learn, { hook: 1, others: 2, fromImage: 1 });
});
