import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicyObject } from "./parse-object.ts";
import { formatProblem } from "./problem.ts";
import { aTracingPolicy } from "./testing/a-policy.ts";

const kprobe = { call: "sys_lseek" };

/** What is said of `spec`, which client-side kubectl apply has sent for `applied`. */
function problemsOf(applied: unknown, spec: object): readonly string[] {
  const key = "kubectl.kubernetes.io/last-applied-configuration";
  const annotations = { [key]: JSON.stringify({ spec: applied }) };
  const metadata = { name: "p", annotations };
  const parsed = parsePolicyObject({ ...aTracingPolicy(spec), metadata });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

const fix = "give it a value, or leave it out if that is meant";
const cases: readonly { name: string; applied: unknown; spec: object; want: readonly string[] }[] =
  [
    {
      name: "a selector that apply dropped is refused",
      applied: { kprobes: [kprobe], podSelector: null },
      spec: { kprobes: [kprobe] },
      want: [`spec.podSelector: is empty: without it, the policy holds in every pod; ${fix}`],
    },
    {
      name: "a label of it",
      applied: { kprobes: [kprobe], podSelector: { matchLabels: { app: null } } },
      spec: { kprobes: [kprobe], podSelector: { matchLabels: {} } },
      want: [
        `spec.podSelector.matchLabels[app]: is empty: without it, the selector asks for no such label; ${fix}`,
      ],
    },
    {
      name: "a condition in a list",
      applied: { kprobes: [{ ...kprobe, selectors: [{ matchPIDs: null }] }] },
      spec: { kprobes: [{ ...kprobe, selectors: [{}] }] },
      want: [
        `spec.kprobes[0].selectors[0].matchPIDs: is empty: without it, the selector matches more; ${fix}`,
      ],
    },
    {
      name: "what has been given since is no problem",
      applied: { kprobes: [kprobe], podSelector: null },
      spec: { kprobes: [kprobe], podSelector: {} },
      want: [],
    },
    {
      name: "a list that has changed since says nothing",
      applied: { kprobes: [{ ...kprobe, selectors: [{ matchPIDs: null }] }] },
      spec: { kprobes: [{ ...kprobe, selectors: [] }] },
      want: [],
    },
    {
      name: "a field whose absence changes nothing may be dropped",
      applied: { kprobes: [{ ...kprobe, message: null }] },
      spec: { kprobes: [kprobe] },
      want: [],
    },
    {
      name: "what is no policy says nothing",
      applied: [null],
      spec: { kprobes: [kprobe] },
      want: [],
    },
  ];
for (const { name, applied, spec, want } of cases) {
  test(`kubectl's copy of the file: ${name}`, () => {
    assert.deepEqual(problemsOf(applied, spec), want);
  });
}

test("an annotation that is not kubectl's copy is left alone", () => {
  const key = "kubectl.kubernetes.io/last-applied-configuration";
  const metadata = { name: "p", annotations: { [key]: "null and void" } };
  assert.equal(parsePolicyObject({ ...aTracingPolicy({ kprobes: [kprobe] }), metadata }).ok, true);
});
