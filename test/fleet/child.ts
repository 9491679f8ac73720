import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** A process of the bench. It ends with us, whatever ends us. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  /** It is to end. Written by kill. */
  #ending = false;

  /** Runs `file` of this folder, or an absolute one, and gives it its order. */
  constructor(file: string, order: object, env: Readonly<Record<string, string>> = {}) {
    this.#name = file;
    this.#process = fork(resolve(import.meta.dirname, file), {
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#process.send(order);
  }

  /** Throws when it has ended by itself. */
  check(): void {
    const { exitCode, signalCode } = this.#process;
    if (this.#ending || (exitCode === null && signalCode === null)) return;
    throw new Error(`${this.#name}: ended with ${exitCode ?? signalCode}; its errors are above`);
  }

  /** Resident memory now, and the most there was, in bytes. */
  memory(): { readonly nowBytes: number; readonly peakBytes: number } {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
    const read = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
    return { nowBytes: read("VmRSS") * 1024, peakBytes: read("VmHWM") * 1024 };
  }

  /** Ends it as a crash of its machine would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#ending = true;
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await gone;
  }
}
