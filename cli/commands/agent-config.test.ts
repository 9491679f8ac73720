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
  assert.equal(rest.tracingPolicyDir, "/etc/tetragon/tetragon.tp.d");
});

test("the ConfigMap of upstream's chart is taken as its values are by default", async () => {
  const got = await options({
    procfs: "/procRoot",
    debug: "false",
    "enable-process-cred": "false",
    "enable-process-ns": "false",
    "process-cache-size": "65536",
    "export-filename": "/var/run/cilium/tetragon/tetragon.log",
    "export-file-perm": "600",
    "export-file-max-size-mb": "10",
    "export-file-max-backups": "5",
    "export-file-compress": "false",
    "export-allowlist":
      '{"event_set":["PROCESS_EXEC", "PROCESS_EXIT", "PROCESS_KPROBE", "PROCESS_UPROBE", "PROCESS_TRACEPOINT", "PROCESS_LSM"]}',
    "export-denylist": '{"health_check":true}\n{"namespace":["", "cilium", "kube-system"]}',
    "field-filters": "",
    "redaction-filters": "",
    "export-rate-limit": "-1",
    "enable-k8s-api": "true",
    "metrics-server": ":2112",
    "metrics-label-filter": "namespace,workload,pod,binary",
    "server-address": "unix:///var/run/tetragon/tetragon.sock",
    "health-server-address": ":6789",
    "health-server-interval": "10",
    "gops-address": "localhost:8118",
    "enable-policy-filter": "true",
    "enable-pod-info": "false",
    "enable-tracing-policy-crd": "true",
    "event-cache-retries": "15",
    "event-cache-retry-delay": "2",
    "process-cache-gc-interval": "30s",
    "enable-cri": "false",
    "enable-cgidmap": "false",
    "cluster-name": "",
    "keep-sensors-on-exit": "true", // as its value enableKeepSensorsOnExit has it
  });
  const { kube, metricsServer, healthServerAddress, procfs } = got;
  assert.deepEqual([kube, metricsServer, healthServerAddress], [true, ":2112", ":6789"]);
  assert.equal(procfs, "/procRoot");
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
