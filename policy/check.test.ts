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

async function check(...texts: string[]) {
  const files = texts.map((content, i) => ({ file: `${i + 1}.yaml`, content }));
  const report = await checkPolicies(files);
  return {
    text: formatCheckReport(report),
    accepted: isAccepted(report, { strict: false }),
    report,
  };
}

test("checkPolicies takes two policies of one name in two namespaces", async () => {
  const two = `${aPolicy({ namespace: "a" })}---\n${aPolicy({ namespace: "b" })}`;
  const { text, accepted } = await check(two);
  assert.equal(
    text,
    "1.yaml: TracingPolicyNamespaced a/p: ok (1 hook)\n1.yaml: TracingPolicyNamespaced b/p: ok (1 hook)\n",
  );
  assert.equal(accepted, true);
});

test("checkPolicies refuses one policy twice in a file", async () => {
  const one = aPolicy({ namespace: "a" });
  const { text, accepted } = await check(`${one}---\n${one}`);
  assert.equal(
    text,
    `1.yaml: TracingPolicyNamespaced a/p: ok (1 hook)
1.yaml:10: metadata.name: is that of another TracingPolicyNamespaced, at 1.yaml:1; rename one of them: the one applied last replaces the other
1.yaml: TracingPolicyNamespaced a/p: invalid (1 problem)
`,
  );
  assert.equal(accepted, false);
});

test("checkPolicies warns of one policy in two files", async () => {
  const one = aPolicy({ namespace: "a" });
  const { text, accepted, report } = await check(one, one);
  assert.match(text, /^warning: 2.yaml:3: metadata.name: is that of another/m);
  assert.deepEqual([accepted, isAccepted(report, { strict: true })], [true, false]);
});

test("checkPolicies warns of a namespaced policy without a namespace", async () => {
  const { text, accepted } = await check(aPolicy({}));
  assert.equal(
    text,
    `1.yaml: TracingPolicyNamespaced p: ok (1 hook)
warning: 1.yaml:3: metadata.namespace: is missing, so kubectl takes that of its context; write the namespace this policy holds in
`,
  );
  assert.equal(accepted, true);
});

test("checkPolicies accepts what is not supported yet, unless strict", async () => {
  const { text, accepted, report } = await check(
    aPolicy({ kind: "TracingPolicy", call: "__ia32_sys_write" }),
  );
  assert.equal(
    text,
    `1.yaml:6: spec.kprobes[0].call: "__ia32_sys_write" is of one architecture only; write sys_write, whose entry is found on every machine
1.yaml: TracingPolicy p: accepted, but not supported yet (1 reason)
`,
  );
  assert.deepEqual([accepted, isAccepted(report, { strict: true })], [true, false]);
});

test("checkPolicies refuses a call that no kernel has, with its line", async () => {
  const { text, accepted } = await check(aPolicy({ kind: "TracingPolicy", call: "sys_wriite" }));
  assert.match(text, /^1.yaml:6: spec.kprobes\[0\].call: no system call is named "sys_wriite"; /);
  assert.equal(accepted, false);
});

test("checkPolicies refuses what is not YAML, and files without a policy", async () => {
  assert.deepEqual([(await check("a: [")).accepted, (await check("")).accepted], [false, false]);
});
