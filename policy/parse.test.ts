import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePolicies } from "./parse.ts";
import { formatProblem } from "./problem.ts";

const head = "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: p\n";

function problemsIn(text: string): string[] {
  return parsePolicies(text, "p.yaml").problems.map(formatProblem);
}

const rejected: readonly { name: string; yaml: string; want: string[] }[] = [
  {
    name: "an unknown field, with the one that was probably meant",
    yaml: `${head}spec:\n  kprobes:\n  - call: sys_write\n    selector: []\n`,
    want: [
      "p.yaml:8: spec.kprobes[0].selector: is not a field; did you mean selectors? known fields: args, call, data, ignore, message, tags, return, returnArg, returnArgAction, selectors, syscall",
    ],
  },
  {
    name: "text where a flag belongs",
    yaml: `${head}spec:\n  kprobes:\n  - call: a\n    syscall: "yes"\n`,
    want: ['p.yaml:8: spec.kprobes[0].syscall: is the text "yes"; write true or false'],
  },
  {
    name: "a number where text belongs",
    yaml: `${head}spec:\n  podSelector:\n    matchLabels:\n      app: 1\n`,
    want: ['p.yaml:8: spec.podSelector.matchLabels[app]: is the number 1; quote it: "1"'],
  },
  {
    name: "an empty field without which more is held",
    yaml: `${head}spec:\n  podSelector:\n`,
    want: [
      "p.yaml:6: spec.podSelector: is empty: without it, the policy holds in every pod; give it a value, or leave it out if that is meant",
    ],
  },
  {
    name: "an empty field of the list that its item does not say it is of",
    yaml: "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicyList\nitems:\n- metadata: {name: p}\n  spec:\n    podSelector:\n",
    want: [
      "p.yaml:6: spec.podSelector: is empty: without it, the policy holds in every pod; give it a value, or leave it out if that is meant",
    ],
  },
  {
    name: "a list in a list",
    yaml: "apiVersion: v1\nkind: List\nitems:\n- kind: List\n  apiVersion: v1\n  items: []\n",
    want: [
      "p.yaml:4: $: has a list in a list, which kubectl does not take; write its items into the outer list",
    ],
  },
  {
    name: "the one of two equal keys that counts, as it is written",
    yaml: `${head}spec:\n  podSelector:\n    matchLabels:\n      app: on\n      app: off\n`,
    want: [
      'p.yaml:9: spec.podSelector.matchLabels[app]: is the boolean false, written off; quote it: "off"',
    ],
  },
  {
    name: "the value of a key that is a number",
    yaml: `${head}spec:\n  podSelector:\n    matchLabels:\n      010: off\n`,
    want: [
      'p.yaml:8: spec.podSelector.matchLabels[8]: is the boolean false, written off; quote it: "off"',
    ],
  },
  {
    name: "a value where it is merged from",
    yaml: `${head}spec:\n  podSelector:\n    matchLabels: {<<: [{b: no}, {b: c, a: off}]}\n`,
    want: [
      'p.yaml:7: spec.podSelector.matchLabels[b]: is the boolean false, written no; quote it: "no"',
      'p.yaml:7: spec.podSelector.matchLabels[a]: is the boolean false, written off; quote it: "off"',
    ],
  },
  {
    name: "a missing field, at its parent's line",
    yaml: `${head}spec:\n  kprobes:\n  - syscall: true\n`,
    want: ["p.yaml:7: spec.kprobes[0].call: is missing; write text"],
  },
  {
    name: "return without returnArg",
    yaml: `${head}spec:\n  kprobes:\n  - call: a\n    return: true\n`,
    want: ["p.yaml:7: spec.kprobes[0]: has return: true without returnArg; add returnArg"],
  },
  {
    name: "a misspelt kind",
    yaml: "apiVersion: cilium.io/v1alpha1\nkind: TracingPolici\nmetadata: {name: p}\nspec: {}\n",
    want: [
      'p.yaml:2: kind: is "TracingPolici"; did you mean TracingPolicy? allowed: TracingPolicy, TracingPolicyNamespaced, ExecPolicy, ExecPolicyNamespaced',
    ],
  },
  {
    name: "a wrong apiVersion",
    yaml: "apiVersion: cilium.io/v1\nkind: ExecPolicy\nmetadata: {name: p}\nspec: {rules: {}}\n",
    want: ['p.yaml:1: apiVersion: is "cilium.io/v1"; write cilium.io/v1alpha1'],
  },
  {
    name: "a name that is no DNS name",
    yaml: "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: A_b}\nspec: {}\n",
    want: [
      'p.yaml:3: metadata.name: is "A_b"; at most 253 lower-case letters, digits, - and ., with a letter or digit at each end',
    ],
  },
  {
    name: "an item of an ExecPolicy with two conditions",
    yaml: "apiVersion: cilium.io/v1alpha1\nkind: ExecPolicy\nmetadata: {name: a}\nspec:\n  rules:\n    selectors:\n    - matchActions: []\n      values: ['*']\n",
    want: [
      "p.yaml:7: spec.rules.selectors[0]: is not exactly one condition; write one of matchPIDs, matchCapabilities, matchBinarys, matchActions",
    ],
  },
];
for (const { name, yaml, want } of rejected) {
  test(`parsePolicies refuses ${name}`, () => {
    assert.deepEqual(problemsIn(yaml), want);
  });
}

test("parsePolicies reads each document of a file and skips kinds that are not ours", () => {
  const text = `---\n${head}spec: {}\n---\napiVersion: v1\nkind: Pod\n---\n# nothing\n---\n${head}spec: {}\n`;
  const { policies, others, problems } = parsePolicies(text, "p.yaml");
  assert.deepEqual(
    policies.map(({ line, kind, name }) => ({ line, kind, name })),
    [
      { line: 2, kind: "TracingPolicy", name: "p" },
      { line: 13, kind: "TracingPolicy", name: "p" },
    ],
  );
  assert.deepEqual(others, [{ kind: "Pod", line: 8 }]);
  assert.deepEqual(problems, []);
});

const warned: readonly { name: string; yaml: string; want: string[] }[] = [
  {
    name: "a duplicate key, of which the last counts",
    yaml: `${head}spec:\n  kprobes: []\n  kprobes: []\n`,
    want: [
      'p.yaml:7: $: has the key "kprobes" twice, and kubectl takes the last; remove one of the two',
    ],
  },
  {
    name: "an empty field that the API server drops",
    yaml: `${head}spec:\n  kprobes:\n`,
    want: ["p.yaml:6: spec.kprobes: is empty, and is dropped; write a value, or remove it"],
  },
  {
    name: "a namespace on a cluster kind, as kustomize writes it",
    yaml: "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: a, namespace: b}\nspec: {}\n",
    want: [
      'p.yaml:3: metadata.namespace: is "b", and is ignored; remove it, or use the Namespaced kind: this kind holds for the whole cluster',
    ],
  },
  {
    name: "what stands behind the end of a document",
    yaml: `${head}spec: {}\n...\nspec: {kprobes: []}\n`,
    want: [
      "p.yaml:7: $: ends before the file does: kubectl reads no more of it; begin the next document with --- instead of ...",
    ],
  },
];
for (const { name, yaml, want } of warned) {
  test(`parsePolicies takes, and warns of, ${name}`, () => {
    const { policies, problems } = parsePolicies(yaml, "p.yaml");
    assert.deepEqual(problems, []);
    assert.deepEqual(
      policies.flatMap(({ warnings }) => warnings.map(formatProblem)),
      want,
    );
  });
}

test("parsePolicies fills in the schema's defaults", () => {
  const { policies } = parsePolicies(`${head}spec:\n  kprobes:\n  - call: sys_write\n`, "p.yaml");
  const result = policies[0]?.result;
  assert.deepEqual(result?.ok && JSON.parse(JSON.stringify(result.value.spec)), {
    kprobes: [{ call: "sys_write", return: false, syscall: true }],
  });
});

test("parsePolicies takes the examples as they are", () => {
  for (const name of ["deny-tmp-forbidden-write", "exec-policy-example"]) {
    const url = new URL(`../config/examples/${name}.yaml`, import.meta.url);
    assert.deepEqual(problemsIn(readFileSync(url, "utf8")), []);
  }
});

test("parsePolicies never throws on what is no policy at all", () => {
  for (const text of ["", "[]", "a", "kind: 1", "{", "&a [*a]", "a: *b", "\0", "- - - - x: ["]) {
    assert.ok(Array.isArray(parsePolicies(text, "p.yaml").problems));
  }
});

test("parsePolicies refuses aliases that multiply", () => {
  const rows = "abcdefghi".split("").map((c, i, all) => {
    const inner = i === 0 ? "x" : `*${all[i - 1]}`;
    return `${c}: &${c} [${Array(9).fill(inner).join(",")}]`;
  });
  const { problems } = parsePolicies(`${head}spec:\n  ${rows.join("\n  ")}\n`, "p.yaml");
  assert.match(problems.map(formatProblem).join(), /alias/i);
});
