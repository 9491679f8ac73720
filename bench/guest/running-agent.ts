import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { shippedEnvironment } from "../shipped-environment.ts";
import { probeFile } from "./probe.ts";

const bpffs = "/sys/fs/bpf/guardbee";
const eventsFile = "/tmp/events.log";
const logFile = "/tmp/agent.log";

export type AgentOptions = {
  /** How many it is ready with; default: one in each file. */
  readonly policies?: number;
  /** Where its events go: to its file, or where these flags say. */
  readonly to?: { readonly file: true } | { readonly flags: readonly string[] };
};

/** A running agent. */
export class Agent {
  readonly readyMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, readyMs: number) {
    this.#child = child;
    this.readyMs = readyMs;
  }

  /**
   * Starts one on a kernel without anything of ours, and waits until it is ready: until its policies
   * are in the kernel, and the first event is in its file, where it has one.
   */
  static async start(
    files: readonly string[],
    { policies = files.length, to = { file: true } }: AgentOptions = {},
  ): Promise<Agent> {
    for (const path of [bpffs, eventsFile]) rmSync(path, { recursive: true, force: true });
    const main = fileURLToPath(new URL("../../build/app/cli/main.js", import.meta.url));
    const exports =
      "file" in to ? ["--events-file", eventsFile] : ["--events-file", "", ...to.flags];
    const options = ["--bpffs", bpffs, "--events-socket", "", ...exports];
    const args = [main, "agent", ...options, ...files.flatMap((path) => ["--policy", path])];
    const log = openSync(logFile, "w");
    const env = { ...process.env, ...(await shippedEnvironment("agent")) };
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", log, log] });
    while (!isReady(policies, "file" in to)) {
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

  /** Instructions it spends in so many seconds in which nothing happens. */
  async costOfIdling(seconds: number): Promise<number> {
    const args = ["idle", String(this.#child.pid), String(seconds)];
    const { stdout } = await promisify(execFile)(probeFile("probe"), args);
    return Number(stdout);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

function isReady(policies: number, hasFile: boolean): boolean {
  const programmed = readFileSync(logFile, "utf8").match(/"state":"programmed"|"to":"programmed"/g);
  return (programmed?.length ?? 0) >= policies && (!hasFile || sizeOf(eventsFile) > 0);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
