import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { defaultLimits, openBundle } from "@guardbee/operator/offline";
import { needOpa } from "../../operator/bundle/testing/opa.ts";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const example = join(root, "config/examples/rego/protected-paths");

async function aFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rego-build-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function regoBuild(cwd: string, ...args: readonly string[]) {
  const { io, out, err } = anIo({ cwd, env: { ...process.env, OPA: needOpa() } });
  return { code: await runCli(["rego", "build", ...args], io), out: out(), err: err() };
}

test("the example becomes a bundle with policy.wasm and without its tests", async (t) => {
  const folder = await aFolder(t);
  const { code, out, err } = await regoBuild(folder, example, "--revision", "r1");
  assert.equal(code, 0, err);
  assert.equal(
    out.replace(/sha256:[0-9a-f]{64}/, "DIGEST").replace(/\d+ bytes/, "N bytes"),
    `bundle.tar.gz
  digest: DIGEST
  revision: r1
  entry points: guardbee/generate/policies
  policy.wasm: N bytes
  rego: generate.rego
  data: protected
  signature: not signed
`,
  );
  const tarball = await readFile(join(folder, "bundle.tar.gz"));
  const content = { kind: "tarball", tarball } as const;
  const bundle = await openBundle({ content, digest: "", limits: defaultLimits });
  assert.deepEqual(bundle.wasm?.entryPoints, ["guardbee/generate/policies"]);
  assert.deepEqual(bundle.data, {
    protected: { cards: ["/srv/cards/"], keys: ["/etc/ssl/private/", "/root/.ssh/"] },
  });
});

test("an output that cannot be written is a wrong call, in one line", async (t) => {
  const folder = await aFolder(t);
  const { code, out, err } = await regoBuild(folder, example, "--output", "none/here.tar.gz");
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^guardbee: --output none\/here\.tar\.gz: cannot be written: ENOENT: [^\n]*\n/);
});

test("--target rego leaves out policy.wasm, and no rule of the entry point", async (t) => {
  const folder = await aFolder(t);
  const { code, out, err } = await regoBuild(folder, example, "--target", "rego");
  assert.equal(code, 0, err);
  assert.match(
    out,
    /\n {2}entry points: none\n {2}policy.wasm: 0 bytes\n {2}rego: generate.rego\n/,
  );
  const tarball = await readFile(join(folder, "bundle.tar.gz"));
  const content = { kind: "tarball", tarball } as const;
  const bundle = await openBundle({ content, digest: "", limits: defaultLimits });
  assert.match(bundle.modules.map(({ text }) => text).join(), /\npolicies contains /);
});

const pairs: readonly { readonly algorithm: string; readonly pair: KeyPairKeyObjectResult }[] = [
  { algorithm: "ES256", pair: generateKeyPairSync("ec", { namedCurve: "P-256" }) },
  { algorithm: "RS256", pair: generateKeyPairSync("rsa", { modulusLength: 2048 }) },
];
for (const { algorithm, pair } of pairs) {
  test(`a bundle signed with a key for ${algorithm} is what the operator verifies`, async (t) => {
    const folder = await aFolder(t);
    const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" });
    await writeFile(join(folder, "bundle.key"), privateKey);
    const keyed = ["--signing-key", "bundle.key", "--verification-key-id", "release"];
    const { code, out, err } = await regoBuild(folder, example, ...keyed, "-o", "signed.tar.gz");
    assert.equal(code, 0, err);
    assert.match(out, new RegExp(`^ {2}signature: ${algorithm} by key release$`, "m"));
    const tarball = await readFile(join(folder, "signed.tar.gz"));
    const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
    const open = (id: string) =>
      openBundle({
        ...{ content: { kind: "tarball", tarball }, digest: "", limits: defaultLimits },
        verification: { keys: [{ id, algorithm: algorithm as "ES256", publicKey }] },
      });
    assert.equal((await open("release")).modules.length, 1);
    await assert.rejects(open("other"), { reason: "BadSignature" });
  });
}

test("what cannot be built is told, and nothing is written", async (t) => {
  const folder = await aFolder(t);
  const write = (name: string, rego: string) => writeFile(join(folder, name), rego);
  await write("clock.rego", "package guardbee.generate\n\npolicies := [time.now_ns()]\n");
  await write("other.rego", "package team.edge\n\nout := 1\n");
  await write("none.key", "no key");
  const refused = await regoBuild(folder, "clock.rego");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /clock\.rego:3: rego_type_error: undefined function time\.now_ns/);
  const unnamed = await regoBuild(folder, "other.rego");
  assert.equal(unnamed.code, 2);
  assert.match(
    unnamed.err,
    /^guardbee: no Rego has package guardbee\.generate or guardbee\.guardrail; name what to compile with --entrypoint\n/,
  );
  const keyless = await regoBuild(folder, "other.rego", "--signing-key", "none.key");
  assert.match(keyless.err, /^guardbee: --signing-key none\.key: holds no private key: /);
  assert.equal(existsSync(join(folder, "bundle.tar.gz")), false);
  const named = await regoBuild(folder, "other.rego", "-e", "team/edge/out");
  assert.match(named.out, /^ {2}entry points: team\/edge\/out$/m);
});
