import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { exit, type Io, standardInput } from "../command.ts";
import { Output } from "../output.ts";
import { type PolicyCheckArgs, policyCheck } from "./policy-check.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function run(args: Partial<PolicyCheckArgs>, stdin = "") {
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
    env: {},
    cwd: root,
    signal: new AbortController().signal,
  };
  const code = await policyCheck.run({ paths: [], output: "text", strict: false, ...args }, io);
  return { code, ...written };
}

test("policy check accepts the examples", async () => {
  const { code, stdout, stderr } = await run({ paths: ["config/examples"], strict: true });
  assert.equal(code, exit.ok);
  assert.match(
    stdout,
    /^config\/examples\/deny-tmp-forbidden-write.yaml: TracingPolicy deny-tmp-forbidden-write: ok \(4 hooks\)$/m,
  );
  assert.match(stderr, /^\d+ ok, 0 not supported yet, 0 invalid\n$/);
});

test("policy check accepts upstream's corpus, and not when strict", async () => {
  const paths = ["policy/testdata/upstream"];
  assert.equal((await run({ paths })).code, exit.ok);
  assert.equal((await run({ paths, strict: true })).code, exit.rejected);
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
        fix: "add an entry to kprobes",
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
