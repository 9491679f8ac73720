import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { needOpa } from "../../operator/bundle/testing/opa.ts";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function regoTest(cwd: string, ...args: readonly string[]) {
  const { io, out, err } = anIo({ cwd, env: { ...process.env, OPA: needOpa() } });
  return { code: await runCli(["rego", "test", ...args], io), out: out(), err: err() };
}

async function files(t: TestContext, content: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rego-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(content)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const same = (tests: number) =>
  `PASS: ${tests}/${tests}\nGUARDBEE: ${tests}/${tests} as under opa\n`;

const examples: readonly (readonly string[])[] = [
  ["edge-paths.yaml", "edge-paths_test.rego"],
  ["monitor-in-staging.yaml", "monitor-in-staging_test.rego"],
  ["protected-paths"],
];
for (const names of examples) {
  test(`the example ${names[0]} passes its tests, which reach each line`, async () => {
    const paths = names.map((name) => `config/examples/rego/${name}`);
    assert.deepEqual(await regoTest(root, ...paths), { code: 0, out: same(3), err: "" });
    const covered = await regoTest(root, "--coverage", "--threshold", "100", ...paths);
    assert.equal(covered.code, 0, covered.err);
    const report = JSON.parse(covered.out) as { readonly coverage: number };
    assert.equal(report.coverage, 100);
  });
}

const edge = "package edge\n\nout := 1\n";
const edgeTest = "package edge_test\n\ntest_out if data.edge.out == 2\n";

test("a test that fails is told with its place, and opa's exit code is ours", async (t) => {
  const folder = await files(t, { "policy/edge.rego": edge, "policy/edge_test.rego": edgeTest });
  const { code, out } = await regoTest(folder, "policy");
  assert.equal(code, 2);
  assert.match(out, /^edge_test\.rego:3:\ndata\.edge_test\.test_out: FAIL /);
  const other = await regoTest(folder, "--run", "nowhere", "policy");
  assert.equal(other.code, 1, "no test is no success");
});

test("Rego is held to what Guardbee lets it use, and has the library", async (t) => {
  const clock = "package edge\n\nout := time.now_ns()\n";
  const lib = `package edge

import data.guardbee.lib.problem

out := problem.at("a", "b", "c").field
`;
  const asks = 'package edge_test\n\ntest_out if data.edge.out == "a"\n';
  const folder = await files(t, {
    "clock/edge.rego": clock,
    "newer/newer.rego": "package edge\n\nimport rego.v2\n\nout := 1\n",
    "lib/edge.rego": lib,
    "lib/edge_test.rego": asks,
  });
  const refused = await regoTest(folder, "clock");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /edge\.rego:3: rego_type_error: undefined function time\.now_ns/);
  assert.match(refused.err, /\ntime\.now_ns is refused: the result would change with the clock; /);
  const newer = await regoTest(folder, "newer");
  assert.equal(newer.code, 1);
  assert.match(newer.err, /newer\.rego:3: rego_parse_error: invalid import/);
  assert.match(newer.err, /\nrego\.v2 is refused: its not gives something else /);
  assert.deepEqual(await regoTest(folder, "lib"), { code: 0, out: same(1), err: "" });
});

test("a test that passes under opa alone fails, and says what it came to in Guardbee", async (t) => {
  const order = `package order_test

test_order if [x | some x in {"slow", "fast", "zeta", "beta"}] == ["beta", "fast", "slow", "zeta"]

test_sorted if sort({"slow", "fast"}) == ["fast", "slow"]

test_cases[name] if {
	some name, list in {"one": ["b"], "many": ["beta", "fast", "slow", "zeta"]}
	[x | some x in {y | some y in list}] == list
}

test_false if data.order_test.wrong

wrong := false

todo_test_later if false

test_number if data.names[0] == "root"

test_clear if data.names["0"] == "root"
`;
  const folder = await files(t, {
    "order_test.rego": order,
    "data.json": JSON.stringify({ names: { "0": "root" } }),
  });
  const { code, out, err } = await regoTest(folder, "order_test.rego", "data.json");
  assert.equal(code, 2);
  const told = out.slice(out.indexOf("order_test.rego:3: "));
  assert.equal(
    told,
    `order_test.rego:3: data.order_test.test_order: passes under opa, fails in Guardbee: it is undefined there
order_test.rego:7: data.order_test.test_cases["many"]: passes under opa, fails in Guardbee: the case is not in it there
order_test.rego:18: data.order_test.test_number: passes under opa, fails in Guardbee: it is undefined there
GUARDBEE: 3/6 as under opa, 3 another; see docs/reference/rego.md#differences-from-opa-eval
`,
  );
  assert.equal(err, "");
  const alone = await regoTest(folder, "--no-compare", "order_test.rego", "data.json");
  assert.ok(!alone.out.includes("GUARDBEE"));
  assert.equal(alone.code, 2, "test_false");
  const chosen = await regoTest(folder, "--run", "sorted|clear", "order_test.rego", "data.json");
  assert.deepEqual(chosen, { code: 0, out: same(2), err: "" });
});

test("paths that cannot be meant are wrong usage", async (t) => {
  const escaping = {
    kind: "RegoPolicy",
    spec: { role: "Generate", modules: [{ name: "../../x", rego: edge }] },
  };
  const folder = await files(t, {
    ...{ "a/edge.rego": edge, "edge.rego": edge, "notes.txt": "", "b/data.json": "{}" },
    "escaping.json": JSON.stringify(escaping),
    "bundled.yaml": "kind: RegoPolicy\nspec: { role: Generate, bundle: {} }\n",
  });
  const wrong = async (...paths: readonly string[]) => {
    const { code, err } = await regoTest(folder, ...paths);
    assert.equal(code, 2);
    return err.split("\n")[0];
  };
  assert.match((await wrong("nowhere"))!, /^guardbee: nowhere: cannot be read: ENOENT/);
  assert.equal(
    await wrong("a", "edge.rego"),
    "guardbee: edge.rego: has edge.rego, which another path has too; give one of the two",
  );
  assert.equal(
    await wrong("notes.txt"),
    "guardbee: notes.txt: is not known; name Rego, data.json, data.yaml, a RegoPolicy, or a folder",
  );
  assert.equal(
    await wrong("escaping.json"),
    "guardbee: escaping.json: has a module ../../x.rego, which leads elsewhere; rename it",
  );
  assert.equal(
    await wrong("bundled.yaml"),
    "guardbee: bundled.yaml: has no modules; name the files of its bundle instead",
  );
});

test("without opa it says what to do", async () => {
  const { io, err } = anIo({ cwd: root, env: { PATH: "" } });
  assert.equal(await runCli(["rego", "test", "rego/lib"], io), 2);
  assert.match(
    err(),
    /^guardbee: no opa found, .*: install OPA 1\.x on PATH, or set OPA to its path\n/,
  );
});
