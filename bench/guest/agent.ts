import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "../keys.ts";
import type { Message } from "../messages.ts";
import { countExec, probeFile, unusedFd, writtenFd } from "./probe.ts";
import { type Receiver, receiveGrpc, receiveOtlp } from "./receivers.ts";
import { Agent } from "./running-agent.ts";

type Tell = (message: Message) => void;

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
  if (wanted.includes("agent_streams")) await measureStreams(tell);
  if (wanted.includes("agent_idle")) await measureIdle(tell);
  if (wanted.includes("agent_rss")) await measureMemory(tell);
}

const hookCounts = [2_000, 3_000, 12_000] as const;
const hookMethod =
  "CPU time for 12,000 events less that for 3,000, / 9,000; 100 at once, then 10 ms";

/** Hook events to somebody else than the file, and to nobody besides. */
async function measureStreams(tell: Tell): Promise<void> {
  const measure = async (value: string, flags: readonly string[], receive: () => Receiver) => {
    tell({ progress: value });
    const agent = await Agent.start([policyFile], { to: { flags } });
    const receiver = receive();
    await receiver.until(1);
    const number = await agent.costOfEach("write", String(writtenFd), hookCounts);
    await receiver.until(hookCounts.reduce<number>((sum, count) => sum + count, 0)); // none is lost
    tell({ value, number, method: `${hookMethod}; no file, and all of them received` });
    receiver.stop();
    await agent.stop();
  };
  const socket = "/tmp/api.sock";
  const served = ["--server-address", `unix://${socket}`];
  await measure("agent_insn_grpc", served, () => receiveGrpc(socket));
  const port = 4317;
  const otlp = ["--server-address", "", "--otlp-endpoint", `http://127.0.0.1:${port}`];
  await measure("agent_insn_otlp", otlp, () => receiveOtlp(port));
}

async function measureIdle(tell: Tell): Promise<void> {
  const agent = await Agent.start([policyFile]);
  tell({ progress: "agent, idle" });
  await sleep(120_000);
  const number = (await agent.costOfIdling(300)) / 300_000;
  const method = "CPU time in the 300 s that follow two minutes of nothing; one policy";
  tell({ value: "agent_idle", number, method });
  await agent.stop();
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
    const agent = await Agent.start([policyFolder], { policies: count });
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
  const number = await agent.costOfEach("write", String(writtenFd), hookCounts);
  tell({ value: "agent_insn_hook", number, method: hookMethod });
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
