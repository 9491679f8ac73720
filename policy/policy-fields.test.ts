import assert from "node:assert/strict";
import { test } from "node:test";
import { whatIsTaken } from "./field-support.ts";
import { formatPolicyFields } from "./policy-fields.ts";
import { execPolicy } from "./schema/exec-policy.ts";
import type { Shape } from "./schema/shape.ts";
import { tracingPolicy } from "./schema/tracing-policy.ts";

const specs = { TracingPolicy: specOf(tracingPolicy), ExecPolicy: specOf(execPolicy) };
function specOf(schema: object): Shape {
  return (schema as Shape).properties!.spec!;
}

const selector = "spec.kprobes[].selectors[]";
const fields: readonly {
  readonly kind: keyof typeof specs;
  readonly path: string;
  readonly here: string;
}[] = [
  { kind: "TracingPolicy", path: "spec.kprobes", here: "yes" },
  { kind: "TracingPolicy", path: "spec.hostSelector", here: "yes, of the cluster" },
  { kind: "TracingPolicy", path: `${selector}.matchPIDs[].followForks`, here: "yes" },
  { kind: "TracingPolicy", path: "spec.kprobes[].args[].sizeArgIndex", here: "yes" },
  { kind: "TracingPolicy", path: `${selector}.matchActions[].argSig`, here: "yes" },
  { kind: "TracingPolicy", path: `${selector}.matchActions[].argRegs`, here: "no" },
  { kind: "TracingPolicy", path: "spec.usdts", here: "yes" },
  { kind: "TracingPolicy", path: "spec.loader", here: "no" },
  { kind: "TracingPolicy", path: `${selector}.matchBinaries[].followChildren`, here: "no" },
  { kind: "ExecPolicy", path: "spec.rules.allow[].paths", here: "yes" },
  { kind: "ExecPolicy", path: "spec.rules.allow[].fromImage", here: "yes" },
  { kind: "ExecPolicy", path: "spec.rules.allow[].interpreters", here: "yes" },
  { kind: "ExecPolicy", path: "spec.rules.allow[].scripts", here: "yes" },
  { kind: "ExecPolicy", path: "spec.rules.deny[].arguments", here: "no" },
  { kind: "ExecPolicy", path: "spec.rules.selectors[].matchBinarys", here: "yes" },
  { kind: "ExecPolicy", path: "spec.rules.selectors[].matchActions[].argFd", here: "no" },
];
for (const { kind, path, here } of fields) {
  test(`${kind} ${path} is taken: ${here}`, () => {
    assert.equal(whatIsTaken(kind, specs[kind], path).here, here);
  });
}

test("of a field with a fixed set of values those are named that are taken", () => {
  const { values: types = [] } = whatIsTaken(
    ...(["TracingPolicy", specs.TracingPolicy, "spec.kprobes[].args[].type"] as const),
  );
  for (const type of ["int", "ulong", "file", "nop"]) assert.ok(types.includes(type), type);
  for (const type of ["auto", "syscall64"]) assert.ok(!types.includes(type), type);
  const { values: actions } = whatIsTaken(
    ...(["ExecPolicy", specs.ExecPolicy, "spec.rules.selectors[].matchActions[].action"] as const),
  );
  assert.deepEqual(actions?.includes("Sigkill"), true);
  assert.deepEqual(actions?.includes("FollowFD"), false, "an exec has no descriptor to follow");
});

test("the page has a table for what is taken, and none below what is refused", () => {
  const headings: readonly string[] = formatPolicyFields().match(/^### .*$/gm) ?? [];
  assert.ok(headings.includes("### TracingPolicy: spec.kprobes[].selectors[].matchPIDs[]"));
  assert.ok(headings.includes("### RegoPolicy: spec.bundle.http"));
  assert.deepEqual(
    headings.filter((heading) =>
      /selectorsMacros|rules\..*arguments|matchArgs.*matchArgs/.test(heading),
    ),
    [],
  );
});
