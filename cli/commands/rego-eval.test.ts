import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { parse, parseAllDocuments, stringify } from "yaml";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { needOpa } from "../../operator/bundle/testing/opa.ts";
import { eventually, TestCluster } from "../../operator/testing/test-cluster.ts";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));
const edgePaths = "config/examples/rego/edge-paths.yaml";

let folder: string;
let inventory: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "rego-eval-"));
  inventory = await write("inventory.json", {
    namespaces: [{ name: "shop", labels: { protect: "keys" } }],
    nodes: [],
    workloads: [aWorkload("search", "edge"), aWorkload("checkout", "core")],
  });
});
after(() => rm(folder, { recursive: true, force: true }));

function aWorkload(name: string, tier: string): object {
  return {
    ...{ kind: "Deployment", namespace: "shop", name, labels: { tier }, podLabels: { app: name } },
    ...{ serviceAccount: "default", containers: [] },
  };
}

async function write(name: string, object: unknown): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, stringify(object));
  return file;
}

async function regoEval(file: string, ...args: readonly string[]) {
  const { io, out, err } = anIo({ cwd, env: { ...process.env, OPA: needOpa() } });
  const argv = ["rego", "eval", file, "--inventory", inventory, ...args];
  return { code: await runCli(argv, io), out: out(), err: err() };
}

const identities = (yaml: string) =>
  (parseAllDocuments(yaml) as { toJS(): { metadata: object } }[]).map(
    (document) => document.toJS().metadata,
  );

/** A SelectorSet as kubectl prints it, of `edge-paths` with these lowered policies. */
function inForce(names: readonly string[]): object {
  const on = { kind: "kprobe", call: "fd_install", syscall: false };
  const selectors = [{ conditions: [], actions: [{ action: "Sigkill" }] }];
  const sets = names.map((name) => ({
    policy: { kind: "TracingPolicyNamespaced", namespace: "shop", name },
    ...{ mode: "enforce", scope: { host: false, pods: { namespaces: ["shop"] } } },
    hooks: [{ on, args: [], selectors }],
  }));
  return { kind: "SelectorSet", metadata: { name: "regopolicy.edge-paths" }, spec: { sets } };
}

test("prints what the example generates from an inventory", async () => {
  const { code, out, err } = await regoEval(edgePaths);
  assert.equal(code, 0, err);
  assert.deepEqual(identities(out), [{ name: "edge-search", namespace: "shop" }]);
  assert.equal(err, "1 policies\n");
});

test("prints what the example with a bundle generates, from its folder", async () => {
  const bundle = ["--bundle", "config/examples/rego/protected-paths"];
  const { code, out, err } = await regoEval("config/examples/rego/protected-paths.yaml", ...bundle);
  assert.equal(code, 0, err);
  assert.deepEqual(identities(out), [{ name: "protected-paths", namespace: "shop" }]);
  const without = await regoEval("config/examples/rego/protected-paths.yaml");
  assert.equal(without.code, 1);
  assert.match(
    without.err,
    /: spec\.modules: is missing; write modules, or give the bundle as well\n/,
  );
});

test("tells what differs from a SelectorSet, as text and as JSON", async () => {
  const before = await write("before.yaml", inForce(["edge-search", "edge-blog"]));
  const lines = `~ TracingPolicyNamespaced shop/edge-search: 1 rule, other scope, hooks
- TracingPolicyNamespaced shop/edge-blog: 1 rule
0 new, 1 changed, 1 removed, 0 the same
`;
  const alone = await regoEval(edgePaths, "--in-force", before, "-o", "diff");
  assert.deepEqual(alone, { code: 0, out: lines, err: "1 policies\n" });
  const beside = await regoEval(edgePaths, "--in-force", before);
  assert.deepEqual(identities(beside.out), [{ name: "edge-search", namespace: "shop" }]);
  assert.equal(beside.err, `${lines}1 policies\n`);
  const { out } = await regoEval(edgePaths, "--in-force", before, "-o", "json");
  const { policies, difference } = JSON.parse(out);
  assert.equal(policies.length, 1);
  const entry = (name: string) => ({
    ...{ kind: "TracingPolicyNamespaced", namespace: "shop", name, rules: 1 },
  });
  assert.deepEqual(difference, {
    new: [],
    changed: [{ ...entry("edge-search"), parts: ["scope", "hooks"] }],
    removed: [entry("edge-blog")],
    same: 0,
  });
});

test("what the operator would hold back or refuse is a no", async () => {
  const many = await write("many.yaml", inForce(["edge-search", "edge-blog", "edge-mail"]));
  const held = await regoEval(edgePaths, "--in-force", many, "-o", "diff");
  assert.equal(held.code, 1);
  assert.match(
    held.err,
    /: would be held back: policies: drops 2 of 3 rules in force, more than 50 %; to let it through, annotate /,
  );
  const policy = parse(await readFile(join(cwd, edgePaths), "utf8"));
  const [module] = policy.spec.modules;
  module.rego = module.rego
    .replace('"namespace": input.workload.namespace,', '"namespace": "kube-system",')
    .replace('"podSelector": {"matchLabels": input.workload.podLabels},', "");
  const refused = await regoEval(await write("refused.yaml", policy));
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    /refused\.yaml: TracingPolicyNamespaced kube-system\/edge-search: metadata\.namespace: is kube-system, a system namespace, .* \(guard rail builtin\/system-namespaces\)/,
  );
  const own = await regoEval(edgePaths, "--guardbee-namespace", "shop");
  assert.equal(own.code, 1);
  assert.match(
    own.err,
    /TracingPolicyNamespaced shop\/edge-search: metadata\.namespace: is shop, where Guardbee itself runs, .* \(guard rail builtin\/translation\)/,
  );
});

/** A generator of one policy, with this Rego in modules of these names. */
const aGenerator = (modules: Readonly<Record<string, string>>, data: object = {}) => ({
  apiVersion: "guardbee.io/v1alpha1",
  kind: "RegoPolicy",
  metadata: { name: "own" },
  spec: {
    role: "Generate",
    data,
    modules: Object.entries(modules).map(([name, rego]) => ({
      name,
      rego: `package guardbee.generate\n${rego}`,
    })),
  },
});

/** Rego of a policy on lseek whose name and values are these expressions. */
const onLseek = (name: string, values: string) =>
  `policies contains {"kind": "TracingPolicy", "metadata": {"name": ${name}}, "spec": {"kprobes": [{"call": "sys_lseek", "args": [{"index": 1, "type": "int64"}], "selectors": [{"matchArgs": [{"index": 1, "operator": "Equal", "values": ${values}}]}]}]}}`;

test("a number from data is the text that opa eval makes of it", async () => {
  const rego = onLseek('"big"', "[format_int(data.limit, 10)]");
  const file = await write("big.yaml", aGenerator({ "gen.rego": rego }, { limit: 4294967296 }));
  const { code, out, err } = await regoEval(file, "--compare");
  assert.equal(err, "1 evaluations beside opa eval: 1 the same\n1 policies\n");
  assert.equal(code, 0);
  assert.deepEqual(parse(out).spec.kprobes[0].selectors[0].matchArgs[0].values, ["4294967296"]);
});

test("rules that conflict are one line that names module and row, each time the same", async () => {
  const modules = {
    "first.rego": "policies := []",
    "second.rego": "policies := [1] if input.inventory",
  };
  const file = await write("conflict.yaml", aGenerator(modules));
  const told = `${file}: RegoPolicy own: rego guardbee/generate/policies: second.rego:2:1: rules of one name give different values (var assignment conflict); let one of them hold at a time\n`;
  for (const _ of [1, 2]) assert.deepEqual(await regoEval(file), { code: 1, out: "", err: told });
});

test("--compare warns of another order, and says no to another value", async () => {
  const list = '[x | some x in {"40", "30", "20", "10"}]';
  const sorted = await write(
    "sorted.yaml",
    aGenerator({ "gen.rego": onLseek('"a"', `sort(${list})`) }),
  );
  assert.equal((await regoEval(sorted, "--compare")).code, 0);
  const order = await write("order.yaml", aGenerator({ "gen.rego": onLseek('"a"', list) }));
  const warned = await regoEval(order, "--compare");
  assert.equal(warned.code, 0);
  assert.match(
    warned.err,
    /^warning: policies\[0\]\.spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs\[0\]\.values\[\d\]: gives a list in another order than opa eval; sort what comes from a set or an object\n {2}opa eval: "\d0"\n {2}guardbee: "\d0"\n1 evaluations beside opa eval: 0 the same, 1 in another order\n/,
  );
  const rego = onLseek("data.names[count([])]", '["1"]');
  const file = await write(
    "number.yaml",
    aGenerator({ "gen.rego": rego }, { names: { "0": "root" } }),
  );
  const { code, err } = await regoEval(file, "--compare");
  assert.equal(code, 1);
  assert.match(
    err,
    /^policies\[0\]: gives something else than opa eval\n {2}opa eval: \{"kind":"TracingPolicy","metadata":\{"name":"root"\}.*\n {2}guardbee: nothing\n1 evaluations beside opa eval: 0 the same, 1 different; see docs\/reference\/rego\.md#differences-from-opa-eval\n/,
  );
});

test("a comparison with nothing, or with what is no SelectorSet, says so", async () => {
  const nothing = await regoEval(edgePaths, "-o", "diff");
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /compares with nothing; add --diff or --in-force FILE/);
  const wrong = await regoEval(edgePaths, "--in-force", inventory);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /inventory\.json: kind: is no SelectorSet; give what kubectl get /);
  const unreachable = await regoEval(edgePaths, "--diff", "--kubeconfig", join(folder, "nowhere"));
  assert.equal(unreachable.code, 3);
});

test("tells what differs from what is in force in a cluster", {
  skip: whyNoApiServer(),
}, async (t) => {
  const cluster = await TestCluster.start();
  t.after(() => cluster.stop());
  const { server, token } = cluster.access;
  const kubeconfig = await write("kubeconfig", {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  });
  const diff = () => regoEval(edgePaths, "--diff", "--kubeconfig", kubeconfig, "-o", "diff");
  const isNew = "+ TracingPolicyNamespaced shop/edge-search: 1 rule\n";
  assert.equal((await diff()).out, `${isNew}1 new, 0 changed, 0 removed, 0 the same\n`);
  await cluster.startOperator();
  await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
  const containers = [{ name: "main", image: "example/app:1" }];
  for (const [name, tier] of [
    ["search", "edge"],
    ["checkout", "edge"],
  ] as const) {
    const labels = { app: name };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    };
    const metadata = { name, namespace: "shop", labels: { tier } };
    await cluster.apply(resources.deployment, { metadata, spec });
  }
  await cluster.apply(
    resourceOf("RegoPolicy"),
    parse(await readFile(join(cwd, edgePaths), "utf8")),
  );
  await eventually(
    "its sets",
    () => cluster.sets("regopolicy.edge-paths"),
    (sets) => sets?.length === 2,
  );
  const gone = "- TracingPolicyNamespaced shop/edge-checkout: 1 rule\n";
  const { code, out, err } = await diff();
  assert.deepEqual(
    { code, out, err },
    { code: 0, out: `${gone}0 new, 0 changed, 1 removed, 1 the same\n`, err: "1 policies\n" },
  );
});
