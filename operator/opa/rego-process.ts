import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ChildAnswer, ChildRequest } from "./messages.ts";

/** What a process has used so far. */
export type Usage = {
  /** Of processor time, of its main thread, which runs what is evaluated; in steps of 10 ms. */
  readonly cpuMs: number;
  /** Resident and its own: without what it maps from files. */
  readonly memoryBytes: number;
};

/** For the whole life of a process; the kernel keeps them, whatever runs in it. */
export type ProcessLimits = {
  /** Private memory that it may write (RLIMIT_DATA): V8 aborts when it gets no more. */
  readonly dataMiB: number;
  /** Processor time of all threads (RLIMIT_CPU): ends one whose parent is gone. */
  readonly cpuSeconds: number;
};

/**
 * One process that runs `child.ts`, one request at a time. It has no environment, no descriptor but
 * the channel to this process, and is the first that the kernel ends when memory is short.
 */
export class RegoProcess {
  /** Resolves when it takes requests; rejects when it ends before. */
  readonly started: Promise<void>;
  /** Resolves when the kernel has ended it, and its memory is given back. */
  readonly exited: Promise<void>;
  /** True from kill() or its end on. Written by #end. */
  ended = false;
  readonly #child: ChildProcess;
  /** Written by ask and #settle. */
  #waiting: ((answer: ChildAnswer | Error) => void) | undefined;

  /** `shell` lowers the limits, as Node cannot; there is one in our images too. */
  constructor(limits: ProcessLimits, shell = "/bin/sh") {
    // What an evaluation makes V8 collect is in the processor time of its thread, which is bounded.
    const flags = [
      ...["--max-old-space-size=192", "--max-semi-space-size=2"],
      "--single-threaded-gc",
    ];
    this.#child = fork(fileURLToPath(import.meta.resolve("#opa-child")), {
      execPath: shell,
      execArgv: ["-c", launcherOf(limits), "sh", process.execPath, ...flags],
      env: { MALLOC_ARENA_MAX: "2" },
      cwd: "/",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.started = new Promise<ChildAnswer>((resolve, reject) => {
      this.#waiting = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
    }).then(() => {});
    this.started.catch(() => {}); // whoever waits for it gets it
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", () => resolve());
    });
    this.#child.on("message", (answer: ChildAnswer) => this.#settle(answer));
    this.#child.on("error", (error) => this.#end(error));
    this.#child.on("exit", (code, signal) =>
      this.#end(new Error(`the process that evaluates Rego ended with ${signal ?? code}`)),
    );
    this.#child.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The answer to one request; rejects when the process ends instead. */
  ask(request: ChildRequest): Promise<ChildAnswer> {
    if (this.ended) return Promise.reject(new Error("the process that evaluates Rego has ended"));
    return new Promise((resolve, reject) => {
      this.#waiting = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
      this.#child.channel?.ref();
      this.#child.send(request, (error) => {
        if (error !== null) this.#end(error);
      });
    });
  }

  /** Undefined when it has ended, and where there is no /proc: then only the clock bounds it. */
  usage(): Usage | undefined {
    const { pid } = this.#child;
    if (pid === undefined || this.ended) return undefined;
    try {
      const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, "latin1");
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      return { cpuMs: cpuMsIn(stat), memoryBytes: memoryBytesIn(status) };
    } catch {
      return undefined;
    }
  }

  /** Ends it at once, whatever it does. What it was asked rejects. */
  kill(): void {
    this.#child.kill("SIGKILL");
    this.#end(new Error("the process that evaluates Rego was ended"));
  }

  #end(error: Error): void {
    this.ended = true;
    this.#settle(error);
  }

  #settle(answer: ChildAnswer | Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#child.channel?.unref(); // an idle process keeps nobody running
    waiting?.(answer);
  }
}

/** Lowers its own limits, and becomes the program in its arguments. */
function launcherOf({ dataMiB, cpuSeconds }: ProcessLimits): string {
  return [
    `ulimit -d ${dataMiB * 1024} 2>/dev/null || :`, // lower already: the better
    `ulimit -t ${cpuSeconds} 2>/dev/null || :`,
    "ulimit -c 0",
    "echo 1000 2>/dev/null >/proc/self/oom_score_adj || :",
    'exec "$@"',
  ].join("\n");
}

/** User and system time in /proc/PID/task/TID/stat, whose unit is 10 ms on all that we run on. */
function cpuMsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** In /proc/PID/status; pages that are not from a file. */
function memoryBytesIn(status: string): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
