import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "@guardbee/kube";
import { followFile } from "../events/follow-file.ts";
import { RunningAgent } from "../events/testing/running-agent.ts";
import { compileC } from "../kernel/testing/compile.ts";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";
import { type Life, ProcessTrace } from "./testing-trace.ts";

// Short-lived processes by the thousand, with few pids to give: every event that the agent writes of one
// must be that one's. Two witnesses say which that is: the program that made it, and the kernel's trace.

/** An emulated processor takes up to 60 ms for one. */
const total = Number(process.env.GUARDBEE_PROCESSES ?? 1_500);
const perRound = 750;
/** Few of them, so that each is given out again and again: the first 300 are given out once. */
const pids = 600;

const unlock = await lockKernel(total * 120 + 600_000);
after(unlock);
const program = "/tmp/fork-storm";

/** Reports each process's call, with the number that the process has by its maker. */
const policies = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: numbers}
spec:
  kprobes:
  - call: sys_getpriority
    syscall: true
    args: [{index: 0, type: int}, {index: 1, type: int}]
    selectors:
    - matchBinaries: [{operator: In, values: [${program}]}]
`;
const options = ["--events-file-max-mb", "40", "--events-file-backups", "2"];
const agent = new RunningAgent(policies, [...options, "--process-cache-size", "4096"]);

/** As a runtime names the cgroups of its containers. */
const containers = ["a", "b"].map((letter) => letter.repeat(64));
const cgroups = containers.map((id) => `/sys/fs/cgroup/cri-containerd-${id}.scope`);

// biome-ignore lint/suspicious/noExplicitAny: events of any shape
type Json = any;

let lines: Json[] = [];
let missed = 0;
const following = new AbortController();
const pidMax = readFileSync("/proc/sys/kernel/pid_max", "utf8");
before(async () => {
  const source = fileURLToPath(new URL("./fork-storm.c", import.meta.url));
  compileC(program, [source], ["-O1"]);
  for (const folder of cgroups) mkdirSync(folder);
  await agent.start();
  writeFileSync("/proc/sys/kernel/pid_max", String(pids));
  const onLines = (text: Buffer) => {
    for (const line of text.toString().split("\n")) if (line !== "") lines.push(JSON.parse(line));
  };
  const onMissed = (count: number) => {
    missed += count;
  };
  const file = { path: agent.file, from: "start", onLines, onMissed } as const;
  void followFile({ ...file, clock: systemClock }, following.signal).catch(() => {});
});
after(async () => {
  following.abort();
  writeFileSync("/proc/sys/kernel/pid_max", pidMax);
  await agent.stop();
  for (const folder of cgroups) rmdirSync(folder);
});

test(`of ${total} short-lived processes with ${pids} pids, no event is another's`, async (t) => {
  const trace = new ProcessTrace(16);
  t.after(() => trace.close());
  const found = { exec: 0, exit: 0, hook: 0 };
  const seen = new Set<string>();
  for (let first = 0; first < total; first += perRound) {
    const made = await storm(first, Math.min(perRound, total - first));
    await throughAll(`round-${first}`);
    trace.take();
    const events = lines;
    lines = [];
    const facts = { made, trace, found, execIds: new Map(), numbers: new Map(), seen };
    for (const line of events) check(line, facts);
  }
  const reused = [...trace.lives.values()].filter((lives) => lives.length > 1).length;
  t.diagnostic(JSON.stringify({ found, missed, reused, pids: trace.lives.size }));
  assert.ok(reused > 150, `${reused} pids were used again`);
  // What is lost is counted, and never told as another's.
  assert.ok(found.hook + missed > total * 0.5, JSON.stringify(found));
  assert.ok(found.exec + missed > (total / 2) * 0.5, JSON.stringify(found));
  assert.ok(found.exit + missed > total * 0.5, JSON.stringify(found));
});

/** By the number of each. */
type Made = ReadonlyMap<number, { readonly pid: number; readonly container: number }>;

/** Processes in two cgroups at once: who each of them is, by the program that made it. */
async function storm(first: number, count: number): Promise<Made> {
  const half = Math.ceil(count / 2);
  const parts = [
    { from: first, count: half },
    { from: first + half, count: count - half },
  ];
  const made = new Map<number, { pid: number; container: number }>();
  await Promise.all(
    parts.map(async ({ from, count }, container) => {
      const enter = `echo $$ > ${cgroups[container]}/cgroup.procs && exec "$@"`;
      const child = spawn("sh", ["-c", enter, "sh", program, `${from}`, `${count}`]);
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
      });
      const code = await new Promise((resolve) => child.once("close", resolve));
      assert.equal(code, 0);
      for (const line of text.trim().split("\n")) {
        const [number, pid] = line.split(" ").map(Number) as [number, number];
        made.set(number, { pid, container });
      }
    }),
  );
  assert.equal(made.size, count);
  return made;
}

/** Until all that was made before is in `lines`. */
async function throughAll(mark: string): Promise<void> {
  execFileSync("/bin/true", [mark]);
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (lines.some(({ process_exit: exit }) => exit?.process.arguments === mark)) return;
    await sleep(100);
  }
  assert.fail(`no exit of ${mark}`);
}

type Facts = {
  readonly made: Made;
  readonly trace: ProcessTrace;
  readonly found: { exec: number; exit: number; hook: number };
  /** Of the processes that ran the program again, by number. */
  readonly execIds: Map<number, string>;
  /** The other way round, of those that did not, by their calls. */
  readonly numbers: Map<string, number>;
  /** Which event of which image was there already. */
  readonly seen: Set<string>;
};

function check(line: Json, { made, trace, found, execIds, numbers, seen }: Facts): void {
  const [kind, event] = Object.entries<Json>(line)[0]!;
  if (event.process?.binary !== program) return;
  const { exec_id, pid, docker, parent_exec_id } = event.process;
  if (exec_id === undefined) return; // told as unknown
  const [, ktime = "", idPid] = Buffer.from(exec_id, "base64").toString().split(":");
  assert.equal(Number(idPid), pid);
  const number = numberOf(kind, event) ?? numbers.get(exec_id);
  if (number === undefined) return; // the makers themselves
  const one = made.get(number);
  assert.ok(one, `nobody made ${number}`);
  numbers.set(exec_id, number);
  const about = `${JSON.stringify(line)}\n${JSON.stringify(one)}`;
  assert.equal(pid, one.pid, about);
  assert.equal(docker, containers[one.container]!.slice(0, 31), about);
  const life = lifeAt(trace, pid, Number(ktime));
  assert.ok(life, `no life of ${pid} has ${ktime}: ${about}`);
  const runs = (number & 1) === 1;
  assert.equal(life.execsAt.length, runs ? 1 : 0, about);
  if (kind === "process_exit") {
    assert.equal(event.status ?? 0, number & 127, about);
    found.exit++;
  } else found[kind === "process_exec" ? "exec" : "hook"]++;
  const key = `${kind} ${exec_id}`;
  assert.ok(!seen.has(key), `twice: ${about}`);
  seen.add(key);
  const before = execIds.get(number);
  assert.ok(before === undefined || before === exec_id, `was ${before}: ${about}`);
  execIds.set(number, exec_id);
  if (event.parent === undefined) return;
  assert.equal(event.parent.exec_id, parent_exec_id, about);
  assert.equal(event.parent.pid, life.parent, about);
}

/** The number of the process by what its event says of it; undefined: that says none. */
function numberOf(kind: string, event: Json): number | undefined {
  const [word, text] = event.process.arguments.split(" ");
  const own = word === "one" ? Number(text) : undefined;
  if (kind !== "process_kprobe") return own;
  const given = event.args[1].int_arg;
  assert.ok(own === undefined || own === given, JSON.stringify(event));
  return given;
}

/** The life of `pid` in which an image began at `ktime`: it is no older than the one before. */
function lifeAt({ lives }: ProcessTrace, pid: number, ktime: number): Life | undefined {
  const all = lives.get(pid) ?? [];
  const found = all.filter((life, i) => {
    const before = all[i - 1]?.endedAt ?? 0;
    return ktime > before - 1000 && ktime <= life.endedAt + 1000;
  });
  return found.length === 1 ? found[0] : undefined;
}
