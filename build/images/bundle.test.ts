import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { needOpa } from "../../operator/bundle/testing/opa.ts";
import { bundleApp } from "./bundle.ts";

const root = resolve(import.meta.dirname, "../..");

/** What a process has loaded when it ends: Node's own modules, files, and what splits text for help. */
type Loaded = {
  readonly modules: readonly string[];
  readonly files: readonly string[];
  readonly segmenters: number;
};
const tellLoaded = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  const files = [];
  let segmenters = 0;
  Intl.Segmenter = class extends Intl.Segmenter {
    constructor(...given) {
      super(...given);
      segmenters++;
    }
  };
  registerHooks({
    load(url, context, next) {
      if (url.startsWith("file:")) files.push(url);
      return next(url, context);
    },
  });
  process.on("exit", () => console.error(JSON.stringify({ modules: process.moduleLoadList, files, segmenters })));
`)}`;

describe("the application as images have it", () => {
  const out = mkdtempSync(join(tmpdir(), "guardbee-bundle-"));
  let packages: readonly string[];
  before(async () => {
    packages = await bundleApp(root, out);
  });
  after(() => rmSync(out, { recursive: true }));

  const run = (folder: string, ...args: readonly string[]) =>
    execFileSync(process.execPath, [join(folder, "cli/bin/guardbee.js"), ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      env: { ...process.env, OPA: needOpa() },
    });

  test("says what the sources say, without their packages", () => {
    assert.equal(existsSync(join(out, "node_modules")), false);
    for (const name of readdirSync(join(out, "cli")).filter((file) => file.endsWith(".js"))) {
      const text = readFileSync(join(out, "cli", name), "utf8");
      assert.ok(!text.includes(root), `${name} names the folder that it was built in`);
    }
    assert.equal(run(out, "--help"), run(root, "--help"));
    const check = ["policy", "check", "config/examples/deny-tmp-forbidden-write.yaml"];
    assert.equal(run(out, ...check), run(root, ...check));
  });

  test("finds its worker threads and its Rego", () => {
    const inventory = join(out, "inventory.json");
    const workload = {
      ...{ kind: "Deployment", namespace: "shop", name: "search", labels: { tier: "edge" } },
      ...{ podLabels: { app: "search" }, serviceAccount: "default", containers: [] },
    };
    const namespaces = [{ name: "shop", labels: {} }];
    writeFileSync(inventory, JSON.stringify({ namespaces, nodes: [], workloads: [workload] }));
    const policy = "config/examples/rego/edge-paths.yaml";
    const evaluate = ["rego", "eval", policy, "--inventory", inventory];
    const printed = run(out, ...evaluate);
    assert.match(printed, /name: edge-search/);
    assert.equal(printed, run(root, ...evaluate));
  });

  test("loads for an agent neither what speaks HTTP/2 or TLS, nor what answers gRPC or prints help", () => {
    // Refused when all is there that an agent starts with.
    const args = ["agent", "--kube", "--policy", "none"];
    const command = ["--import", tellLoaded, join(out, "cli/bin/guardbee.js"), ...args];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
    assert.equal(status, 2, stderr);
    const loaded = JSON.parse(stderr.trim().split("\n").at(-1)!) as Loaded;
    assert.deepEqual(
      loaded.modules.filter((name) => / (http2|https|tls)$|undici/.test(name)),
      [],
    );
    const texts = loaded.files.map((url) => readFileSync(fileURLToPath(url), "utf8"));
    assert.ok(texts.some((text) => text.includes("guardbee.node")));
    assert.ok(!texts.some((text) => text.includes("google/protobuf/descriptor.proto")));
    assert.deepEqual(
      loaded.files.filter((url) => /\/apart-/.test(url)),
      [],
    );
    assert.equal(loaded.segmenters, 0);
  });

  test("names the packages that are in it", () => {
    assert.ok(packages.includes("node_modules/@open-policy-agent/opa-wasm"));
    assert.ok(packages.includes("node_modules/pino"));
  });
});
