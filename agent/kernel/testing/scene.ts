import { spawn } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { text } from "node:stream/consumers";

/** How a process ended, and what it wrote to standard output. */
export type Ended = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
};

/** Runs a shell script; the shell itself is the process that `signal` is about. */
export function sh(script: string): Promise<Ended> {
  return run("/bin/sh", "-c", script);
}

export async function run(command: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const end = new Promise<Omit<Ended, "out">>((resolve, reject) => {
    child.once("error", reject).once("close", (code, signal) => resolve({ code, signal }));
  });
  const out = await text(child.stdout);
  return { ...(await end), out };
}

/** A folder of the guest's cgroup v2 tree. */
export class Cgroup {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
  }

  get id(): bigint {
    return statSync(this.path, { bigint: true }).ino;
  }

  child(name: string): Cgroup {
    return new Cgroup(`${this.path}/${name}`);
  }

  /** Runs a shell script in here from its first instruction on. */
  sh(script: string): Promise<Ended> {
    return run("/bin/sh", "-c", `echo 0 >${this.path}/cgroup.procs; exec /bin/sh -c "$0"`, script);
  }
}
