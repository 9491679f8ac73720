// tetra beside an agent on a real kernel.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { killsMkfifo } from "../events/testing/flood-policies.ts";
import { programFile } from "../events/testing/program-file.ts";
import { RunningAgent } from "../events/testing/running-agent.ts";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";

const unlock = await lockKernel();
after(unlock);

const main = programFile("tetra-main");
const folder = mkdtempSync("/tmp/tetra-");
const kills = 5;
const policyFolder = mkdtempSync("/tmp/tetragon.tp.d-");
const agent = new RunningAgent(killsMkfifo.replace(/^---\n/, ""), [
  ...["--metrics-server", ":2112", "--tracing-policy-dir", policyFolder],
]);
before(() => agent.start());
after(() => agent.signal("SIGKILL"));

function tetra(words: string): string {
  const run = spawnSync(process.execPath, [main, ...words.split(" ")], {
    ...{ encoding: "utf8", cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

type Listed = {
  readonly stats: {
    readonly action_counters: unknown;
    readonly selector_action_counters: readonly object[];
  };
};

test("what a policy stopped and reported is in its counters, by selector, and lasts beside others", async () => {
  for (let i = 0; i < kills; i++) spawnSync("/usr/bin/mkfifo", [join(folder, `never-${i}`)]);
  const hookEvents = 'observer_ringbuf_events_received_total{event="hook"}';
  await agent.until((count) => count(hookEvents) >= kills);
  const { stats } = (JSON.parse(tetra("tp list -o json")).policies as readonly Listed[])[0]!;
  const want = { post: String(kills), signal: String(kills) };
  assert.deepEqual(stats.action_counters, want);
  const bySelector = stats.selector_action_counters;
  assert.deepEqual(
    bySelector.map((one) => ({ ...one, hook: "" })),
    [{ hook: "", hook_index: 0, selector_index: 0, action_counters: want }],
  );
  const other = killsMkfifo.replace(/^---\n/, "").replace("name: kill", "name: other");
  execFileSync("tee", [join(folder, "other.yaml")], { input: other, stdio: "pipe" });
  tetra("tp add other.yaml -m monitor");
  spawnSync("/usr/bin/mkfifo", [join(folder, "never")]);
  await agent.until((count) => count(hookEvents) >= kills + 2);
  const rows = tetra("tp list").split("\n");
  assert.match(rows[0]!, / {3}NPOST {3}NENFORCE {3}NMONITOR$/);
  const of = (name: string) => rows.find((row) => row.split(/ {2,}/)[1] === name) ?? "";
  assert.match(of("kill"), / enforce +6 +6 +0$/);
  assert.match(of("other"), / monitor +1 +0 +1$/);
  tetra("tp delete other");
});

test("probe says of this kernel what the agent found", () => {
  const lines = tetra("probe").trimEnd().split("\n");
  const said = new Map(lines.map((line) => line.split(": ") as [string, string]));
  assert.equal(said.size, 22);
  const { Probes: found } = JSON.parse(tetra("info"));
  const isFound = (name: string) => String(found[name] === true);
  assert.equal(said.get("fentry"), isFound("fentry"));
  assert.equal(said.get("lsm"), isFound("lsm"));
  assert.equal(said.get("override_return"), isFound("kprobe_override"));
  assert.equal(said.get("kprobe_multi"), isFound("kprobe_multi"));
  assert.equal(said.get("fmodret_syscall"), isFound("fmod_ret_syscalls"));
  assert.equal(said.get("fmodret"), isFound("fmod_ret_security"));
  for (const name of ["signal", "large", "link_pin", "batch_update"]) {
    assert.equal(said.get(name), "true", name); // before the oldest kernel that the agent takes
  }
});

test("bugtool gathers what the agent has", () => {
  tetra("bugtool -o all.tar.gz");
  execFileSync("tar", ["xzf", "all.tar.gz", "--strip-components=1"], { cwd: folder });
  const has = (name: string) => readFileSync(join(folder, name), "utf8");
  assert.match(has("tetragon.log"), /"process_exec"/);
  assert.match(has("metrics"), /^guardbee_tracingpolicy_loaded\{state="enabled"\} 1$/m);
  assert.ok(has("lib/kprobe.bpf.o").length > 1000);
  assert.match(has("processcache.json"), /"binary":/);
  assert.equal(JSON.parse(has("tracing-policies.json")).policies[0].name, "kill");
  assert.match(has("tetragon-bugtool.log"), /msg="btf: done"/);
});

test("--tracing-policy-dir takes what comes into the folder, and --metrics-server says so", async () => {
  const other = killsMkfifo.replace(/^---\n/, "").replace("name: kill", "name: later");
  writeFileSync(join(policyFolder, "later.yaml"), other);
  const loaded = 'tracingpolicy_loaded{state="enabled"}';
  await agent.until((count) => count(loaded) === 2);
  assert.match(tetra("tp list"), / later +static +enabled /);
  const answer = await fetch("http://127.0.0.1:2112/metrics");
  assert.ok((await answer.text()).includes(`\nguardbee_${loaded} 2\n`));
  assert.equal((await fetch("http://127.0.0.1:2112/readyz")).status, 404);
});
