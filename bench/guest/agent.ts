import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Scenario } from "../keys.ts";
import type { Message } from "../messages.ts";
import { shippedEnvironment } from "../shipped-environment.ts";
import { countExec, probeFile, unusedFd, writtenFd } from "./probe.ts";

type Tell = (message: Message) => void;

const bpffs = "/sys/fs/bpf/guardbee";
const eventsFile = "/tmp/events.log";
const logFile = "/tmp/agent.log";
const policyFile = "/tmp/policy.yaml";
const policyFolder = "/tmp/policies";
const many = 1_000;

/** On write to descriptor `fd`. */
const policyFor = (fd: number) => `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: bench-${fd}
spec:
  kprobes:
  - call: sys_write
    syscall: true
    args:
    - index: 0
      type: int
    selectors:
    - matchArgs:
      - index: 0
        operator: Equal
        values: ["${fd}"]
`;

/** What the whole agent costs, compiled as images have it: `guardbee agent --policy FILE --events-file FILE`. */
export async function measureAgent(wanted: readonly Scenario[], tell: Tell): Promise<void> {
  writeFileSync(policyFile, policyFor(writtenFd)); // matches every write of the probe
  tell({ progress: "the agent's first start, which fills the page cache" });
  const bareExec = countExec();
  await (await Agent.start([policyFile])).stop();
  if (wanted.includes("agent_hook")) await measureHook(tell);
  if (wanted.includes("agent_exec")) await measureExec(bareExec, tell);
  if (wanted.includes("agent_rss")) await measureMemory(tell);
}

/** Policies on one hook that match nothing. */
async function measureMemory(tell: Tell): Promise<void> {
  const policies = Array.from({ length: many }, (_, i) => policyFor(unusedFd + i));
  const resident = async (count: number): Promise<number> => {
    tell({ progress: `agent, ${count} policies` });
    rmSync(policyFolder, { recursive: true, force: true });
    mkdirSync(policyFolder);
    for (const [i, policy] of policies.slice(0, count).entries()) {
      writeFileSync(join(policyFolder, `${i}.yaml`), policy);
    }
    const agent = await Agent.start([policyFolder], count);
    await sleep(60_000); // until what was needed for loading only is given back
    const bytes = agent.residentBytes();
    await agent.stop();
    return bytes;
  };
  const one = await resident(1);
  const all = await resident(many);
  tell({
    value: "agent_rss_1000",
    number: all,
    method: "VmRSS a minute after ready; a file each",
  });
  const method = `VmRSS with ${many} policies less that with one, / ${many - 1}`;
  tell({ value: "rss_policy", number: (all - one) / (many - 1), method });
}

async function measureHook(tell: Tell): Promise<void> {
  const agent = await Agent.start([policyFile]);
  const how = "from spawn to the set programmed and the first event in the file; files in memory";
  tell({ value: "agent_ready", number: agent.readyMs, method: how });
  tell({ progress: "agent, hook events" });
  const number = await agent.costOfEach("write", String(writtenFd), [2_000, 3_000, 12_000]);
  const method = "CPU time for 12,000 events less that for 3,000, / 9,000; 100 at once, then 10 ms";
  tell({ value: "agent_insn_hook", number, method });
  await agent.stop();
}

async function measureExec(bareExec: number, tell: Tell): Promise<void> {
  const agent = await Agent.start([]);
  await sleep(5_000);
  const rss = agent.residentBytes();
  tell({ value: "agent_rss_idle", number: rss, method: "VmRSS five seconds after ready" });
  tell({ progress: "agent, exec events" });
  const each = await agent.costOfEach("exec", probeFile("tiny"), [500, 300, 1_500]);
  const method = "CPU time for 1,500 pairs less that for 300, / 1,200; 10 at once, then 10 ms";
  tell({ value: "agent_insn_exec", number: each, method });
  const exec = countExec() - bareExec;
  const how = "as exec_bare, less that before the agent's start; one CPU for all";
  tell({ value: "exec", number: exec, method: how, floor: bareExec });
  await agent.stop();
}

/** A running agent. */
class Agent {
  readonly readyMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, readyMs: number) {
    this.#child = child;
    this.readyMs = readyMs;
  }

  /** Starts one on a kernel without anything of ours, and waits until it is ready. */
  static async start(files: readonly string[], policies = files.length): Promise<Agent> {
    for (const path of [bpffs, eventsFile]) rmSync(path, { recursive: true, force: true });
    const main = fileURLToPath(new URL("../../build/app/cli/main.js", import.meta.url));
    const options = ["--bpffs", bpffs, "--events-file", eventsFile, "--events-socket", ""];
    const args = [main, "agent", ...options, ...files.flatMap((path) => ["--policy", path])];
    const log = openSync(logFile, "w");
    const env = { ...process.env, ...(await shippedEnvironment("agent")) };
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", log, log] });
    while (!isReady(policies)) {
      if (child.exitCode !== null) throw new Error(`agent ended: ${readFileSync(logFile, "utf8")}`);
      await sleep(20);
    }
    return new Agent(child, performance.now() - startedAt);
  }

  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return 1024 * Number(status.match(/^VmRSS:\s+(\d+) kB$/m)![1]);
  }

  /** Instructions the agent spends on one more event: the slope between the last two counts. */
  async costOfEach(
    kind: "write" | "exec",
    subject: string,
    counts: readonly [warmUp: number, few: number, many: number],
  ): Promise<number> {
    const args = ["cost", String(this.#child.pid), kind, subject, ...counts.map(String)];
    const { stdout } = await promisify(execFile)(probeFile("probe"), args);
    const [, few, many] = stdout.trim().split("\n").map(Number);
    return (many! - few!) / (counts[2] - counts[1]);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

function isReady(policies: number): boolean {
  const programmed = readFileSync(logFile, "utf8").match(/"state":"programmed"|"to":"programmed"/g);
  return (programmed?.length ?? 0) >= policies && sizeOf(eventsFile) > 0;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
