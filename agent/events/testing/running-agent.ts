/** Test support: the agent as a process of its own, on the kernel of a lab guest. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programFile } from "./program-file.ts";

const healthPort = 6790;

/** Values by name and labels, as /metrics has them, without the prefix. */
export type Metrics = ReadonlyMap<string, number>;

export class RunningAgent {
  /** For the event file, the socket, and what a test puts there. */
  readonly folder = mkdtempSync("/tmp/guardbee-agent-");
  readonly file = join(this.folder, "events.log");
  readonly socket = join(this.folder, "events.sock");
  readonly #bpffs = mkdtempSync("/sys/fs/bpf/guardbee-");
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  /** `policies`: YAML. `options`: further ones of `guardbee agent`. `main`: another build of it. */
  constructor(policies: string, options: readonly string[] = [], main = programFile("main")) {
    const path = join(this.folder, "policies.yaml");
    writeFileSync(path, policies);
    const where = [
      "--bpffs",
      this.#bpffs,
      "--events-file",
      this.file,
      "--events-socket",
      this.socket,
    ];
    this.#args = [
      main,
      "agent",
      "--policy",
      path,
      ...where,
      "--health-port",
      `${healthPort}`,
      ...options,
    ];
  }

  /** Resolves when its policies are in force and it reads events. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, "agent.log"), "a");
    const asShipped = { NODE_OPTIONS: "--max-semi-space-size=2", MALLOC_ARENA_MAX: "1" };
    const env = { ...process.env, ...asShipped };
    const stdio = ["ignore", log, log] as const;
    const child = spawn(process.execPath, this.#args, { env, stdio: [...stdio] });
    closeSync(log);
    this.#child = child;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null) throw new Error(`the agent ended: ${this.log()}`);
      await sleep(100);
    }
  }

  async #isReady(): Promise<boolean> {
    const ready = await fetch(`http://127.0.0.1:${healthPort}/readyz`).catch(() => undefined);
    if (ready?.status !== 200 || !existsSync(this.socket)) return false;
    return ((await this.metrics())?.get("events_exported_total") ?? 0) > 0;
  }

  /** Undefined when it does not answer. */
  async metrics(): Promise<Metrics | undefined> {
    const answer = await fetch(`http://127.0.0.1:${healthPort}/metrics`).catch(() => undefined);
    if (answer === undefined) return undefined;
    const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("guardbee_"));
    return new Map(
      lines.map((line) => {
        const [name = "", value] = line.slice("guardbee_".length).split(" ");
        return [name, Number(value)];
      }),
    );
  }

  /** Until `is` holds of the metrics. */
  async until(is: (metrics: (name: string) => number) => boolean): Promise<void> {
    for (;;) {
      const metrics = (await this.metrics()) ?? new Map<string, number>();
      if (is((name) => metrics.get(name) ?? 0)) return;
      await sleep(100);
    }
  }

  log(): string {
    return readFileSync(join(this.folder, "agent.log"), "utf8");
  }

  /** Milliseconds that it spent on processors, to ten. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child?.pid}/stat`, "utf8");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13)
      .map(Number);
    return 10 * (user! + system!);
  }

  /** The most that it ever had resident. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return 1024 * Number(status.match(/^VmHWM:\s+(\d+) kB$/m)?.[1]);
  }

  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    this.#child?.kill(name);
  }

  /** As Kubernetes ends it. */
  async stop(): Promise<void> {
    const child = this.#child!;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = await ended;
    if (code !== 0) throw new Error(`the agent ended with ${code}: ${this.log()}`);
  }
}

/** A reader of the agent's socket. */
export class SocketReader {
  readonly #socket: ReturnType<typeof connect>;
  readonly #chunks: Buffer[] = [];
  readonly ended: Promise<unknown>;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (chunk) => this.#chunks.push(chunk));
    this.ended = new Promise((resolve) => this.#socket.once("close", resolve));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** What it got so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
