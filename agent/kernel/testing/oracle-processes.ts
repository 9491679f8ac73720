/** Test support: processes that make the calls a test tells them to, and what they are. */

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Process } from "@guardbee/policy";
import { upstreamNamespaces } from "../../../policy/schema/vocabulary.ts";
import { compileC } from "./compile.ts";
import type { EventLog } from "./event-log.ts";
import type { Cgroup } from "./scene.ts";

/** What one call gave: its result, its errno, and which signals arrived meanwhile. */
export type Result = {
  readonly result: number;
  readonly errno: number;
  readonly signals: readonly number[];
};

/** Where the executables of `policy/decide/arbitrary.ts` are in these tests. */
export const binaryRoot = "/tmp/oracle";
const binaries = ["/usr/bin/vi", "/usr/bin/cat", "/bin/sh", "/sbin/protected"];
export const protectedBinary = `${binaryRoot}/sbin/protected`;

/** What a process that is told to calls by uprobes: one file, whatever path it is executed by. */
export const ownFunction = {
  kind: "uprobe",
  path: `${binaryRoot}${binaries[0]}`,
  symbol: "oracle_call",
} as const;

/** Compiles oracle-driver.c to every path of `binaryRoot`. */
export function buildBinaries(): void {
  const source = fileURLToPath(new URL("./oracle-driver.c", import.meta.url));
  for (const [i, binary] of binaries.entries()) {
    const path = binaryRoot + binary;
    mkdirSync(dirname(path), { recursive: true });
    if (i === 0) compileC(path, [source], ["-O1", "-static"]);
    else {
      rmSync(path, { force: true });
      linkSync(`${binaryRoot}${binaries[0]}`, path);
    }
  }
}

type Ran = { readonly binary: string; readonly parentBinary: string };

/**
 * `command` is what follows exec in a shell; it ends in the path of one of the binaries, which what is
 * called `by` runs.
 */
export async function startDriver(
  command: string,
  {
    cgroup,
    events,
    by = "sh",
  }: { readonly cgroup: Cgroup; readonly events: EventLog; readonly by?: string },
): Promise<Driver> {
  const script = `echo 0 >${cgroup.path}/cgroup.procs; exec ${command}`;
  const binary = command.match(/\/tmp\/oracle[\w/]*/)![0];
  let driver: Driver | undefined;
  const { events: seen } = await events.during(async () => {
    const child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    driver = new Driver(child, { binary, parentBinary: realpathSync(`/usr/bin/${by}`) });
    await driver.lines("ready");
  });
  const execs = seen.filter((event) => event.kind === "exec");
  const own = execs.filter(({ records, at, end }) => records.subarray(at, end).includes(binary));
  driver!.pid = own.at(-1)!.process.pid;
  return driver!;
}

/** One process that waits for calls to make. */
export class Driver {
  readonly binary: string;
  pid = 0;
  /** Path of what the driver's process ran before, or of what made it. */
  readonly #parentBinary: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcess, { binary, parentBinary }: Ran) {
    this.binary = binary;
    this.#parentBinary = parentBinary;
    this.#child = child;
    this.#lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  }

  /** Makes the calls in order, then closes every descriptor from 3 on. */
  async make(calls: readonly string[]): Promise<readonly Result[]> {
    this.#child.stdin!.write([...calls, ".", ""].join("\n"));
    return (await this.lines(".")).map((line) => {
      const [result, errno, first, second, killedBy] = line.split(" ").map(Number);
      const signals = [first! > 0 ? 10 : 0, second! > 0 ? 12 : 0, killedBy!];
      return { result: result!, errno: errno!, signals: signals.filter((number) => number > 0) };
    });
  }

  /** What it prints before the line `last`. */
  async lines(last: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.binary} ended instead of printing ${last}`);
      if (value === last) return lines;
      lines.push(value);
    }
  }

  /** Ends it: it reads no more. */
  end(): void {
    this.#child.stdin!.end();
  }

  /** What it is called, and its parent. */
  names(): { readonly own: string; readonly parent: string } {
    const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").slice(0, -1);
    return { own: nameOf(this.pid), parent: nameOf(parentOf(this.pid)) };
  }

  describe(): Process {
    const field = (name: string) =>
      readFileSync(`/proc/${this.pid}/status`, "utf8")
        .match(new RegExp(`^${name}:\\s*(.*)$`, "m"))![1]!
        .split(/\s+/);
    const nspids = field("NSpid");
    const capabilities = (name: string) => BigInt(`0x${field(name)[0]}`);
    const namespaced = nspids.length > 1;
    return {
      pid: this.pid,
      ancestors: ancestorsOf(this.pid),
      nspid: Number(nspids[1] ?? 0),
      nsAncestors: namespaced ? nsAncestorsOf(this.pid) : [],
      ...{ binary: this.binary, parentBinary: this.#parentBinary },
      capabilities: {
        effective: capabilities("CapEff"),
        permitted: capabilities("CapPrm"),
        inheritable: capabilities("CapInh"),
      },
      namespaces: namespacesOf(this.pid),
      hostNamespaces: namespacesOf(1),
      inHostUserNamespace:
        readlinkSync(`/proc/${this.pid}/ns/user`) === readlinkSync("/proc/self/ns/user"),
      isProtected: this.binary === protectedBinary && !namespaced,
    };
  }
}

/** Inode numbers of a process's namespaces. */
export function namespacesOf(pid: number): Process["namespaces"] {
  return Object.fromEntries(
    upstreamNamespaces.flatMap((name) => {
      const link = `/proc/${pid}/ns/${name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase()}`;
      if (!existsSync(link)) return []; // this kernel is built without
      return [[name, Number(readlinkSync(link).match(/[0-9]+/)![0])]];
    }),
  );
}

export function parentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/^PPid:\s*(\d+)$/m)![1]);
}

/** Pids in the container of `pid`, of its ancestors that live in it. */
function nsAncestorsOf(pid: number): number[] {
  const parent = parentOf(pid);
  if (parent === 0) return [];
  const nspids = readFileSync(`/proc/${parent}/status`, "utf8").match(/^NSpid:\s*(.*)$/m)![1]!;
  const nspid = nspids.split(/\s+/)[1];
  return nspid === undefined ? [] : [Number(nspid), ...nsAncestorsOf(parent)];
}

function ancestorsOf(pid: number): number[] {
  const parent = parentOf(pid);
  return parent === 0 ? [] : [parent, ...ancestorsOf(parent)];
}
