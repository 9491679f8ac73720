import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import yargs, { type Argv } from "yargs";
import { agent } from "./agent.ts";
import { refusingUpstreamFlags } from "./upstream-flags.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "guardbee-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the agent's command makes of files in --config-dir, and of more arguments. */
async function options(files: Readonly<Record<string, string>>, ...more: readonly string[]) {
  for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), value);
  const parser = yargs(["--config-dir", folder, ...more])
    .strict()
    .exitProcess(false);
  parser.fail((message, error) => {
    throw error ?? new Error(message);
  });
  return (refusingUpstreamFlags(agent).options(parser) as Argv).parseAsync();
}

test("a file is a flag, with upstream's names, and what upstream's package has in them", async () => {
  const got = await options({
    "enable-process-cred": "true\n",
    "enable-k8s-api": "true",
    "process-cache-size": "1000",
    "export-filename": "/var/log/tetragon/tetragon.log",
    "export-denylist": '{"health_check":true}\n{"namespace":["", "cilium", "kube-system"]}\n',
    "request-hosts": "a.example\nb.example",
    "export-file-max-size-mb": "",
    "otlp-endpoint": "",
    "bpf-lib": "/usr/local/lib/tetragon/bpf/",
    "log-format": "text",
    "tracing-policy": "/etc/tetragon/policy.yaml",
    "tracing-policy-dir": "/etc/tetragon/tetragon.tp.d",
    "gops-address": "",
    verbose: "0",
  });
  const { enableProcessCred, kube, processCacheSize, eventsFile, requestHosts, ...rest } = got;
  assert.deepEqual(
    { enableProcessCred, kube, processCacheSize, eventsFile, requestHosts },
    {
      ...{ enableProcessCred: true, kube: true, processCacheSize: 1000 },
      ...{ eventsFile: "/var/log/tetragon/tetragon.log", requestHosts: ["a.example", "b.example"] },
    },
  );
  assert.equal(
    rest.exportDenylist,
    '{"health_check":true}\n{"namespace":["", "cilium", "kube-system"]}',
  );
  assert.equal(rest.eventsFileMaxMb, 10);
  assert.deepEqual(rest.policy, ["/etc/tetragon/policy.yaml"]);
});

test("what a ConfigMap has around its files is no flag", async () => {
  mkdirSync(join(folder, "..2026"));
  writeFileSync(join(folder, "..2026", "process-cache-size"), "1000");
  symlinkSync("..2026", join(folder, "..data"));
  symlinkSync("..data/process-cache-size", join(folder, "process-cache-size"));
  assert.equal((await options({})).processCacheSize, 1000);
});

test("the command line counts more than a file", async () => {
  const got = await options({ "process-cache-size": "1000" }, "--process-cache-size", "2000");
  assert.equal(got.processCacheSize, 2000);
});

for (const [name, value, why] of [
  ["proces-cache-size", "1", /proces-cache-size: there is no flag --proces-cache-size$/],
  ["process-cache-size", "many", /--process-cache-size: takes a whole number from 16/],
  ["enable-process-ns", "yes", /--enable-process-ns takes true and false, not "yes"$/],
  ["log-level", "loud", /Invalid values:.*log-level/s],
  ["rb-size", "1M", /--rb-size: is a flag of Tetragon's agent that is not taken/],
] as const) {
  test(`${name} with ${value} is refused`, async () => {
    await assert.rejects(options({ [name]: value }), why);
  });
}

test("a folder that is not there is refused", async () => {
  rmSync(folder, { recursive: true });
  await assert.rejects(options({}), /--config-dir: .*: ENOENT/);
  mkdirSync(folder);
});
