import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { needOpa } from "../../operator/bundle/testing/opa.ts";
import { exit, type Io, standardInput } from "../command.ts";
import { Output } from "../output.ts";
import { type PolicyCheckArgs, policyCheck } from "./policy-check.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function run(args: Partial<PolicyCheckArgs>, stdin = "", env: NodeJS.ProcessEnv = {}) {
  const written = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += chunk;
        done();
      },
    });
  const io: Io = {
    stdin: Readable.from([stdin]),
    stdinIsPiped: true,
    stdout: new Output(sink("stdout")),
    stdoutIsTty: false,
    stdoutColumns: undefined,
    stderr: new Output(sink("stderr")),
    env,
    cwd: root,
    signal: new AbortController().signal,
  };
  const code = await policyCheck.run(
    {
      ...{ paths: [], output: "text", strict: false },
      ...{ guardbeeNamespace: "guardbee-system", disableGuardRail: [], ...args },
    },
    io,
  );
  return { code, ...written };
}

test("policy check accepts the examples", async () => {
  const { code, stdout, stderr } = await run({ paths: ["config/examples"] });
  assert.equal(code, exit.ok);
  assert.match(
    stdout,
    /^config\/examples\/deny-tmp-forbidden-write.yaml: TracingPolicy deny-tmp-forbidden-write: ok \(4 hooks\)$/m,
  );
  assert.match(stderr, /^\d+ ok, 0 not supported yet, 0 invalid\n$/);
  assert.deepEqual(
    stdout.split("\n").filter((line) => line.startsWith("warning: ")),
    [],
  );
});

test("policy check takes upstream's corpus, and warns of what stops processes of the host", async () => {
  const folder = "policy/testdata/upstream";
  // One is a template: with names in place of networks it is no policy yet.
  const files = readdirSync(join(root, folder)).filter((file) => !file.startsWith("network_"));
  const paths = files.sort().map((file) => `${folder}/${file}`);
  const { code, stdout } = await run({ paths });
  assert.equal(code, exit.ok);
  assert.deepEqual(
    stdout
      .split("\n")
      .flatMap((line) => line.match(/^note: .*\/(.*\.yaml):.*host-protection/)?.[1] ?? []),
    [
      "kill_unprivileged_user_namespace.yaml",
      "kill_unprivileged_user_namespace_in_pid_namespace.yaml",
      "tcp-connect-only-private-addrs.yaml",
    ],
  );
  assert.equal((await run({ paths, strict: true })).code, exit.rejected);
});

test("policy check judges a RegoPolicy, and compiles it where opa is found", async () => {
  const rego = (text: string) =>
    `apiVersion: guardbee.io/v1alpha1\nkind: RegoPolicy\nmetadata: {name: r}\nspec:\n  role: Generate\n  modules: [{name: a.rego, rego: "package guardbee.generate\\n\\npolicies := ${text}"}]\n`;
  const paths = [standardInput];
  const opa = { OPA: needOpa() };
  const good = await run({ paths, strict: true }, rego("[]"), opa);
  assert.deepEqual([good.code, good.stdout], [exit.ok, "-: RegoPolicy r: ok\n"]);
  const bad = await run({ paths }, rego("nowhere(1)"), opa);
  assert.equal(bad.code, exit.rejected);
  assert.match(bad.stdout, /^-:1: a\.rego:3:13: rego_type_error: undefined function nowhere; /);
  const unknown = await run({ paths }, rego("[]").replace("Generate", "Generates"), opa);
  assert.match(unknown.stdout, /^-:5: spec\.role: is "Generates"; did you mean Generate\? /);
  const without = await run({ paths, strict: true }, rego("[]"), { PATH: "" });
  assert.equal(without.code, exit.rejected);
  assert.match(
    without.stdout,
    /^warning: -:6: spec\.modules: are not compiled: there is no opa; /m,
  );
});

test("policy check takes no more than 64 MiB of a file, however much there is", async () => {
  const message = "/dev/zero: cannot be read: is larger than 64 MiB; give it in parts";
  await assert.rejects(run({ paths: ["/dev/zero"] }), { code: "GUARDBEE_USAGE", message });
});

test("policy check names and counts what it does not check, and fails on it when strict", async () => {
  const text = `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: b}\nspec: {podSelector: {}, kprobes: [{call: sys_read}]}\n`;
  const given = await run({ paths: [standardInput] }, text);
  assert.equal(given.code, exit.ok);
  assert.match(given.stdout, /^-:1: Pod: not checked, it is not a policy$/m);
  assert.equal(given.stderr, "1 ok, 0 not supported yet, 0 invalid, 1 not checked\n");
  const strict = await run({ paths: [standardInput], strict: true }, text);
  assert.equal(strict.code, exit.rejected);
});

test("policy check refuses an ExecPolicy that the operator refuses", async () => {
  const text = `apiVersion: cilium.io/v1alpha1\nkind: ExecPolicy\nmetadata: {name: e}\nspec:\n  rules:\n    selectors:\n    - matchActions: [{action: Sigkill}]\n`;
  const { code, stdout } = await run({ paths: [standardInput] }, text);
  assert.equal(code, exit.rejected);
  assert.match(stdout, /^-:5: spec\.rules: stop processes of the host too/);
});

test("policy check reads standard input and prints JSON", async () => {
  const text =
    "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: p}\nspec: {}\n";
  const { code, stdout } = await run({ paths: [standardInput], output: "json" }, text);
  assert.equal(code, exit.rejected);
  assert.deepEqual(JSON.parse(stdout).policies[0], {
    file: "-",
    line: 1,
    kind: "TracingPolicy",
    name: "p",
    verdict: "invalid",
    hookCount: 0,
    problems: [
      {
        field: "spec",
        what: "is empty: there is nothing to hook",
        fix: "add an entry to kprobes or fentries or tracepoints or lsmhooks or uprobes or usdts",
        kind: "invalid",
        file: "-",
        line: 4,
      },
    ],
  });
});

test("policy check names a file that is not there", async () => {
  await assert.rejects(run({ paths: ["no-such-file.yaml"] }), {
    code: "GUARDBEE_USAGE",
    message: /^no-such-file.yaml: cannot be read: ENOENT/,
  });
});

test("policy check refuses the ninth RegoPolicy of a namespace, and more than its share of time", async () => {
  const one = (name: string, namespace: string, more = "") => `apiVersion: guardbee.io/v1alpha1
kind: RegoPolicyNamespaced
metadata: {name: ${name}, namespace: ${namespace}}
spec: {role: Generate, bundle: {configMap: {name: x}}${more}}
`;
  const eight = Array.from({ length: 8 }, (_, i) => one(`p${i}`, "shop"));
  const others = [one("p8", "shop"), one("p0", "bank", ", limits: {deadlineMs: 201}")];
  const { code, stdout } = await run(
    { paths: [standardInput] },
    [...eight, ...others].join("---\n"),
  );
  assert.equal(code, exit.rejected);
  assert.deepEqual(stdout.split("\n").slice(7), [
    "-: RegoPolicyNamespaced shop/p7: ok",
    "-:43: metadata.namespace: is shop, which has 8 RegoPolicyNamespaceds made before, and 8 are the most; delete one of them, or write what this one says into one",
    "-: RegoPolicyNamespaced shop/p8: invalid (1 problem)",
    "-:49: spec.limits.deadlineMs: is 201; allowed: 10 to 200",
    "-: RegoPolicyNamespaced p0: invalid (1 problem)",
    "",
  ]);
});
