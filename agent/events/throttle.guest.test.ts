import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";
import { killsMkfifo } from "./testing/flood-policies.ts";
import { RunningAgent } from "./testing/running-agent.ts";

const unlock = await lockKernel();
after(unlock);

const name = `cri-containerd-${"c".repeat(64)}.scope`;
const cgroup = `/sys/fs/cgroup/${name}`;
const [rate, intervalMs] = [10, 2000];
const programs = 60;
const kills = 5;

test("of a cgroup over its rate execs are held back and that is told; what is stopped always is", async (t) => {
  const agent = new RunningAgent(killsMkfifo.replace(/^---\n/, ""), [
    ...["--cgroup-rate", `${rate},${intervalMs}ms`],
  ]);
  t.after(() => agent.signal("SIGKILL"));
  await agent.start();
  mkdirSync(cgroup);
  t.after(() => rmdirSync(cgroup));
  const began = performance.now();
  const script = `echo $$ > ${cgroup}/cgroup.procs
    for i in $(seq ${programs}); do /usr/bin/true flood; done
    for i in $(seq ${kills}); do /usr/bin/mkfifo /tmp/never-$i; done; /usr/bin/true`;
  assert.equal(spawnSync("sh", ["-c", script]).status, 0);
  const intervals = 1 + Math.ceil((performance.now() - began) / intervalMs);

  const typesOf = () =>
    linesOf(agent.file).flatMap(({ process_throttle: throttle }) =>
      throttle?.cgroup === name ? [throttle.type] : [],
    );
  await sleep(2 * intervalMs);
  for (let second = 0; second < 60 && typesOf().at(-1) !== "THROTTLE_STOP"; second++) {
    await sleep(1000);
  }
  // On a processor that is slow enough it ends and begins anew meanwhile.
  assert.match(typesOf().join(" "), /^(THROTTLE_START THROTTLE_STOP ?)+$/);
  execFileSync("/usr/bin/true", ["last"]);
  const missed = (await agent.metrics())?.get('bpf_missed_events_total{event="exec",error="rate"}');
  await agent.stop();

  const lines = linesOf(agent.file);
  const floods = lines.filter(({ process_exec: exec }) => exec?.process.arguments === "flood");
  assert.ok(floods.length > 0 && floods.length <= rate * intervals, `${floods.length} events`);
  assert.ok(missed! >= programs - floods.length, `${missed} were counted`);
  const stopped = lines.filter(({ process_kprobe: hook }) => hook?.policy_name === "kill");
  assert.equal(stopped.length, kills);
});

// biome-ignore lint/suspicious/noExplicitAny: events of any shape
function linesOf(file: string): readonly any[] {
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return whole.filter((line) => line !== "").map((line) => JSON.parse(line));
}
