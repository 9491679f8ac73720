/** Test support: the kernel's own trace of processes, as a second witness beside the agent's programs. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/kernel/tracing/instances/guardbee-storm";

/** One life of a pid, in nanoseconds since boot; `end` is Infinity while it runs. */
export type Life = {
  readonly pid: number;
  readonly parent: number;
  readonly forkedAt: number;
  readonly execsAt: readonly number[];
  readonly endedAt: number;
};

/** Traces forks, execs and exits from now on, with `megabytes` for each processor. */
export class ProcessTrace {
  /** By pid, in their order. Written by `take`. */
  readonly lives = new Map<number, Life[]>();

  constructor(megabytes: number) {
    mkdirSync(root);
    this.#write("buffer_size_kb", String(megabytes << 10));
    this.#write("trace_clock", "boot");
    for (const event of ["fork", "exec", "exit"]) {
      this.#write(`events/sched/sched_process_${event}/enable`, "1");
    }
  }

  /** Adds what was traced since it was last asked for. Throws where some of that was overwritten. */
  take(): void {
    this.#write("tracing_on", "0");
    const lines = readFileSync(join(root, "trace"), "utf8").split("\n");
    const entries = lines.find((line) => line.includes("entries-in-buffer/entries-written"));
    const [, kept, written] = /(\d+)\/(\d+)/.exec(entries?.split(":")[1] ?? "") ?? [];
    if (kept === undefined || kept !== written) throw new Error(`trace: ${kept} of ${written}`);
    for (const line of lines) this.#add(line);
    this.#write("trace", "");
    this.#write("tracing_on", "1");
  }

  close(): void {
    this.#write("tracing_on", "0");
    rmdirSync(root);
  }

  #add(line: string): void {
    const [, thread, seconds, micros, event, fields = ""] = entry.exec(line) ?? [];
    if (event === undefined) return;
    const at = (Number(seconds) * 1_000_000 + Number(micros)) * 1000;
    const field = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(fields)?.[1]);
    if (event === "fork") {
      const [pid, parent] = [field("child_pid"), field("pid")];
      const lives = this.lives.get(pid) ?? [];
      lives.push({ pid, parent, forkedAt: at, execsAt: [], endedAt: Number.POSITIVE_INFINITY });
      this.lives.set(pid, lives);
      return;
    }
    const life = this.lives.get(Number(thread))?.pop();
    if (life === undefined) return;
    const changed =
      event === "exec" ? { ...life, execsAt: [...life.execsAt, at] } : { ...life, endedAt: at };
    this.lives.get(Number(thread))!.push(changed);
  }

  #write(file: string, text: string): void {
    writeFileSync(join(root, file), text);
  }
}

/** `fork-storm-812 [000] d.... 12.345678: sched_process_exit: comm=...` */
const entry = /-(\d+) +\[\d+\] \S+ +(\d+)\.(\d{6}): sched_process_(fork|exec|exit): (.*)$/;
