import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { joinFiles, keepGood, loadPolicyFolder, readText } from "./policy-files.ts";

function aPolicy(name: string, spec = "", kind = "TracingPolicy"): string {
  return `apiVersion: cilium.io/v1alpha1
kind: ${kind}
metadata:
  name: ${name}
${kind.endsWith("Namespaced") ? "  namespace: web\n" : ""}spec:
${spec}  kprobes:
  - call: sys_write
    syscall: true
    args:
    - index: 0
      type: int
`;
}

function aFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "policies-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const names = (files: { readonly sets: readonly { readonly name: string }[] }) =>
  files.sets.map(({ name }) => name);

test("a folder gives the policies of its YAML and JSON files, sorted by name", async (t) => {
  const path = aFolder(t, {
    "b.yaml": `${aPolicy("z")}---\n${aPolicy("m")}`,
    "a.yml": aPolicy("b"),
    ".hidden.yaml": aPolicy("hidden"),
    "README.md": "# no policy",
  });
  mkdirSync(join(path, "below"));
  const joined = joinFiles((await loadPolicyFolder(path)) ?? assert.fail());
  assert.deepEqual(joined.problems, []);
  assert.deepEqual(names(joined), ["tracingpolicy.b", "tracingpolicy.m", "tracingpolicy.z"]);
});

test("a file whose text is the same is not parsed again", async (t) => {
  const path = aFolder(t, { "a.yaml": aPolicy("a"), "b.yaml": aPolicy("b"), "c.yaml": "kind: [" });
  const before = (await loadPolicyFolder(path)) ?? assert.fail();
  writeFileSync(join(path, "a.yaml"), aPolicy("c"));
  const now = (await loadPolicyFolder(path, before)) ?? assert.fail();
  const same = [...now].flatMap(([file, found]) => (found === before.get(file) ? [file] : []));
  assert.deepEqual(same, [join(path, "b.yaml"), join(path, "c.yaml")]);
  assert.deepEqual(names(joinFiles(now)), ["tracingpolicy.b", "tracingpolicy.c"]);
});

test("a file is read alone, and no path at all is undefined", async (t) => {
  const path = aFolder(t, { "a.yaml": aPolicy("a"), "b.yaml": aPolicy("b") });
  const folder = await loadPolicyFolder(join(path, "a.yaml"));
  assert.deepEqual(names(joinFiles(folder ?? assert.fail())), ["tracingpolicy.a"]);
  assert.equal(await loadPolicyFolder(join(path, "none")), undefined);
});

test("a bad policy is named with file and line and leaves the others alone", () => {
  const bad = aPolicy("bad").replace("type: int", "type: integer");
  const found = readText(`${aPolicy("good")}---\n${bad}`, "p.yaml");
  assert.deepEqual(names(found), ["tracingpolicy.good"]);
  assert.equal(found.problems.length, 1);
  assert.match(found.problems[0] ?? "", /^p\.yaml:23: spec\.kprobes\[0\]\.args\[0\]\.type: /);
});

const refused = [
  {
    name: "selects pods",
    text: aPolicy("a", "  podSelector:\n    matchLabels:\n      app: web\n"),
    want: "p.yaml:6: spec.podSelector: selects pods, and there is no Kubernetes here; remove it, or apply the policy with kubectl to a cluster",
  },
  {
    name: "selects containers",
    text: aPolicy("a", "  containerSelector: {}\n"),
    want: "p.yaml:6: spec.containerSelector: selects pods, and there is no Kubernetes here; remove it, or apply the policy with kubectl to a cluster",
  },
  {
    name: "is namespaced",
    text: aPolicy("a", "", "TracingPolicyNamespaced"),
    want: "p.yaml:5: metadata.namespace: is web, and there is no Kubernetes here; remove it, or apply the policy with kubectl to a cluster",
  },
  {
    name: "is no policy",
    text: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n",
    want: "p.yaml:1: kind: is Pod, no policy; remove it from here",
  },
];
for (const { name, text, want } of refused) {
  test(`an object that ${name} is refused without a cluster`, () => {
    assert.deepEqual(readText(text, "p.yaml"), {
      ...{ sets: [], problems: [want], warnings: [] },
    });
  });
}

test("of two policies of one name that of the first file stays", () => {
  const folder = new Map([
    ["a.yaml", readText(aPolicy("same"), "a.yaml")],
    ["b.yaml", readText(aPolicy("same", "  hostSelector: {}\n"), "b.yaml")],
  ]);
  const joined = joinFiles(folder);
  assert.deepEqual(joined.sets, folder.get("a.yaml")?.sets);
  assert.deepEqual(joined.problems, [
    "b.yaml: tracingpolicy.same: is given twice; remove one of the two",
  ]);
});

test("a file that breaks keeps what it gave; one that is emptied does not", () => {
  const before = new Map([["a.yaml", readText(`${aPolicy("x")}---\n${aPolicy("z")}`, "a.yaml")]]);
  const broken = readText(`${aPolicy("x")}---\nkind: [`, "a.yaml");
  const kept = keepGood(before, new Map([["a.yaml", broken]]));
  assert.deepEqual(names(joinFiles(kept)), ["tracingpolicy.x", "tracingpolicy.z"]);
  assert.deepEqual(joinFiles(kept).problems, broken.problems);
  assert.deepEqual(joinFiles(keepGood(before, new Map([["a.yaml", readText("", "a.yaml")]]))), {
    sets: [],
    problems: [],
    warnings: [],
  });
});

test("a file means what it means to kubectl, and what is probably not meant is told", () => {
  const hook = "    selectors:\n    - matchActions: [{action: Signal, argSig: 011}]\n";
  const text = `${aPolicy("x")}${hook}      matchPIDs: [{operator: In, values: [4194305]}]\n`;
  const { sets, problems, warnings } = readText(Buffer.from(text), "p.yaml");
  assert.deepEqual(problems, []);
  assert.deepEqual(sets[0]?.set.hooks[0]?.selectors[0]?.actions, [{ action: "Signal", signal: 9 }]);
  assert.deepEqual(warnings, [
    "p.yaml:14: spec.kprobes[0].selectors[0].matchPIDs[0].values[0]: is 4194305, which is no process; at most 4194304",
  ]);
});
