import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPolicies, formatCheckReport, isAccepted } from "./check.ts";

function aPolicy(over: {
  name?: string;
  namespace?: string;
  call?: string;
  kind?: string;
}): string {
  const { name = "p", namespace, call = "sys_write", kind = "TracingPolicyNamespaced" } = over;
  const place = namespace === undefined ? "" : `, namespace: ${namespace}`;
  return `apiVersion: cilium.io/v1alpha1
kind: ${kind}
metadata: {name: ${name}${place}}
spec:
  kprobes:
  - call: ${call}
`;
}

function check(...texts: string[]) {
  const report = checkPolicies(texts.map((text, i) => ({ file: `${i + 1}.yaml`, text })));
  return {
    text: formatCheckReport(report),
    accepted: isAccepted(report, { strict: false }),
    report,
  };
}

test("checkPolicies takes two policies of one name in two namespaces", () => {
  const two = `${aPolicy({ namespace: "a" })}---\n${aPolicy({ namespace: "b" })}`;
  const { text, accepted } = check(two);
  assert.equal(
    text,
    "1.yaml: TracingPolicyNamespaced a/p: ok (1 hook)\n1.yaml: TracingPolicyNamespaced b/p: ok (1 hook)\n",
  );
  assert.equal(accepted, true);
});

test("checkPolicies refuses one policy twice in a file", () => {
  const one = aPolicy({ namespace: "a" });
  const { text, accepted } = check(`${one}---\n${one}`);
  assert.equal(
    text,
    `1.yaml: TracingPolicyNamespaced a/p: ok (1 hook)
1.yaml:10: metadata.name: is that of another TracingPolicyNamespaced, at 1.yaml:1; rename one of them: the one applied last replaces the other
1.yaml: TracingPolicyNamespaced a/p: invalid (1 problem)
`,
  );
  assert.equal(accepted, false);
});

test("checkPolicies warns of one policy in two files", () => {
  const one = aPolicy({ namespace: "a" });
  const { text, accepted, report } = check(one, one);
  assert.match(text, /^warning: 2.yaml:3: metadata.name: is that of another/m);
  assert.deepEqual([accepted, isAccepted(report, { strict: true })], [true, false]);
});

test("checkPolicies warns of a namespaced policy without a namespace", () => {
  const { text, accepted } = check(aPolicy({}));
  assert.equal(
    text,
    `1.yaml: TracingPolicyNamespaced p: ok (1 hook)
warning: 1.yaml:3: metadata.namespace: is missing, so kubectl takes that of its context; write the namespace this policy holds in
`,
  );
  assert.equal(accepted, true);
});

test("checkPolicies accepts what is not supported yet, unless strict", () => {
  const { text, accepted, report } = check(aPolicy({ kind: "TracingPolicy", call: "list:x" }));
  assert.equal(
    text,
    `1.yaml:6: spec.kprobes[0].call: "list:x" is not supported yet; write one entry for each function
1.yaml: TracingPolicy p: accepted, but not supported yet (1 reason)
`,
  );
  assert.deepEqual([accepted, isAccepted(report, { strict: true })], [true, false]);
});

test("checkPolicies refuses a call that no kernel has, with its line", () => {
  const { text, accepted } = check(aPolicy({ kind: "TracingPolicy", call: "sys_wriite" }));
  assert.match(text, /^1.yaml:6: spec.kprobes\[0\].call: no system call is named "sys_wriite"; /);
  assert.equal(accepted, false);
});

test("checkPolicies refuses what is not YAML, and files without a policy", () => {
  assert.deepEqual([check("a: [").accepted, check("").accepted], [false, false]);
});
