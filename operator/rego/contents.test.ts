import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { systemClock } from "@guardbee/kube";
import { formatProblem, type RegoPolicy } from "@guardbee/policy";
import pino from "pino";
import { type Bundle, defaultLimits } from "../bundle/index.ts";
import { openBundle } from "../bundle/open-bundle.ts";
import { opa, temporaryFolder } from "../bundle/testing/opa.ts";
import { soundEntries, tarballOf } from "../bundle/testing/tarball.ts";
import { ModuleChecks } from "../opa/inspect.ts";
import { Sandbox } from "../opa/sandbox.ts";
import { bundleContent } from "./contents.ts";
import { loadUnit, type RegoContent } from "./unit.ts";

const limits = { deadlineMs: 2_000, memoryMiB: 256 };
const signal = new AbortController().signal;
const entryPoint = "guardbee/generate/policies";
const aPolicy = { kind: "RegoPolicy", spec: { role: "Generate", data: {} } } as RegoPolicy;

async function bundleOf(tarball: Uint8Array): Promise<Bundle> {
  const content = { kind: "tarball", tarball } as const;
  return openBundle({ content, digest: "sha256:x", limits: defaultLimits });
}

/** What a policy with this tarball evaluates. */
async function contentOf(tarball: Uint8Array): Promise<RegoContent> {
  const found = bundleContent(aPolicy, await bundleOf(tarball));
  assert.ok(found.ok, JSON.stringify(found));
  return found.value;
}

/** Loads without compiling. */
function loaderOf(t: { after(fn: () => void): void }) {
  const compile = () => assert.fail("it was compiled");
  const sandbox = new Sandbox({ log: pino({ level: "silent" }) });
  t.after(() => sandbox.close());
  const checks = new ModuleChecks(sandbox);
  const options = {
    ...{ owner: undefined, subject: "RegoPolicy gen", compile, sandbox, checks },
    clock: systemClock,
  };
  return (content: RegoContent, wanted = entryPoint) =>
    loadUnit(content, { entryPoint: wanted, limits }, options, signal);
}

describe("a bundle with policy.wasm", () => {
  const folder = temporaryFolder();

  /** A bundle that the real opa built, compiled. */
  async function built(rego: string, ...args: readonly string[]): Promise<RegoContent> {
    await writeFile(join(folder, "policy.rego"), rego);
    await writeFile(join(folder, "data.json"), '{"add":10}');
    const output = join(folder, "bundle.tar.gz");
    opa(["build", "-t", "wasm", "-e", entryPoint, ...args, "-b", folder, "-o", output]);
    return contentOf(await readFile(output));
  }
  const good = "package guardbee.generate\n\npolicies contains input.n + data.add";

  test("is used as it is", async (t) => {
    const loaded = await loaderOf(t)(await built(good));
    assert.ok(loaded.ok);
    assert.deepEqual(await loaded.value.evaluate({ n: 1 }, undefined, signal), [11]);
  });

  /** Why a bundle is not taken that the real opa built from this. */
  async function refusalsOf(rego: string, data: string): Promise<readonly string[]> {
    await writeFile(join(folder, "policy.rego"), rego);
    await writeFile(join(folder, "data.json"), data);
    const output = join(folder, "bundle.tar.gz");
    opa(["build", "-t", "wasm", "-e", entryPoint, "-b", folder, "-o", output]);
    const found = bundleContent(aPolicy, await bundleOf(await readFile(output)));
    return found.ok ? [] : found.problems.map((one) => formatProblem(one));
  }

  test("is refused for what the compiler got wrong, and for numbers that lost digits", async () => {
    const newer = `package guardbee.generate\n\nimport rego.v2\n\npolicies contains 1 if not { input.a; input.b }`;
    const [refusal, ...others] = await refusalsOf(newer, "{}");
    assert.deepEqual(others, []);
    assert.match(refusal!, /policy\.rego: imports rego\.v2; its not gives something else in /);
    assert.deepEqual(await refusalsOf(good, '{"add": 9007199254740993}'), [
      "data.add: is read as 9007199254740992: of whole numbers beyond 2^53 the last digits are lost; write it as text, and to_number in the Rego",
    ]);
    assert.deepEqual(await refusalsOf(good, '{"add": 10}'), []);
  });

  test("is refused when it lacks the entry point, or calls what the host does not have", async (t) => {
    const load = loaderOf(t);
    const refusals = async (content: RegoContent, wanted: string) => {
      const loaded = await load(content, wanted);
      return loaded.ok ? [] : loaded.problems.map((one) => formatProblem(one));
    };
    assert.deepEqual(await refusals(await built(good), "guardbee/generate/other"), [
      "policy.wasm: has no entry point guardbee/generate/other, but guardbee/generate/policies; build it with -e guardbee/generate/other",
    ]);
    const clock = "package guardbee.generate\n\npolicies contains time.now_ns()";
    assert.deepEqual(await refusals(await built(clock), entryPoint), [
      "policy.wasm: calls time.now_ns, which is not supplied; the result would change with the clock; take the time from input",
    ]);
    const junk = soundEntries({ name: "/policy.wasm", content: Uint8Array.of(0, 1, 2) });
    const [problem = "", ...more] = await refusals(
      await contentOf(await tarballOf(junk)),
      entryPoint,
    );
    assert.equal(
      problem,
      "policy.wasm: ends in the middle; compile it with opa build -t wasm of OPA 1.x, or ship the Rego alone",
    );
    assert.deepEqual(more, []);
  });

  test("is refused to a policy of a namespace, whatever is in it", async () => {
    await built(good);
    const bundle = await bundleOf(await readFile(join(folder, "bundle.tar.gz")));
    const namespaced: RegoPolicy = { ...aPolicy, kind: "RegoPolicyNamespaced" };
    const content = bundleContent(namespaced, bundle);
    assert.ok(!content.ok);
    assert.deepEqual(
      content.problems.map((one) => formatProblem(one)),
      [
        "policy.wasm: is not taken from a RegoPolicyNamespaced, which is compiled from its Rego; build the bundle without it: guardbee rego build --target rego, or opa build -t rego",
      ],
    );
    const { wasm: _wasm, ...rego } = bundle;
    assert.ok(bundleContent(namespaced, rego).ok);
  });
});
