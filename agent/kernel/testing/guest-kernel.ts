/** Test support: the engine on the kernel of a lab guest, for tests that run there alone. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, globSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import type { NamedSet, Programmed, Scopes, SetState } from "../../engine.ts";
import { layout } from "../../gen/layout.ts";
import { KernelEngine } from "../kernel-engine.ts";
import { loadNative, type Native } from "../native.ts";
import type { CgroupRate } from "../rate.ts";
import { waitingPins } from "../waiting-maps.ts";
import { EventLog } from "./event-log.ts";

export type GuestKernel = {
  readonly engine: KernelEngine;
  readonly events: EventLog;
  /** The engine's folder. */
  readonly bpffs: string;
  /** Programs exactly `sets`, for every process but those of `scopes`. */
  program(sets: readonly NamedSet[], scopes?: Partial<Scopes>): Promise<readonly SetState[]>;
  /** An engine on the pins in another folder. */
  open(bpffs: string, protectedBinaries?: readonly string[], cgroupRate?: CgroupRate): KernelEngine;
  /** How many events wait for their calls to return. */
  waiting(): number;
  /** How many tasks sleep while the kernel hashes a file for them. */
  hashing(): number;
  /** Runs `during` while as many tasks seem to have files hashed as may. */
  withoutRoomToHash(during: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
};

/** A file's tests that hang would have those of all others wait. */
const longestHoldMs = 900_000;

/**
 * The whole kernel is shared: waits until no other test file of this guest has it. The lock is the open
 * file's, not that of the program which takes it: whatever a test kills, it stays until it is released.
 */
export async function lockKernel(mostMs = longestHoldMs): Promise<() => void> {
  const file = openSync("/tmp/guardbee-kernel.lock", "w");
  for (;;) {
    const taking = spawn("flock", ["3"], { stdio: ["ignore", "inherit", "inherit", file] });
    const [code] = await once(taking, "exit");
    if (code !== 0) continue;
    removePins();
    const overdue = setTimeout(() => {
      console.error(`these tests hang: ended ${mostMs / 1000} s after they got the kernel`);
      process.exit(1);
    }, mostMs).unref();
    return () => {
      clearTimeout(overdue);
      closeSync(file);
    };
  }
}

/**
 * What the files before have left pinned sees each process of the guest, and takes places on functions:
 * a function has room for 38 programs (BPF_MAX_TRAMP_LINKS).
 */
function removePins(): void {
  for (const folder of globSync("/sys/fs/bpf/guardbee-*")) rmSync(folder, { recursive: true });
}

/** The engine on the kernel of this guest, for the test file that calls it alone. */
export async function openGuestKernel({
  protectedBinaries = [],
  podFiles = 4096,
  native = loadNative(),
  said = {},
}: {
  readonly protectedBinaries?: readonly string[];
  readonly podFiles?: number;
  readonly native?: Native;
  /** What the kernel's files say while the engine looks at them, by path, in place of what they do. */
  readonly said?: Readonly<Record<string, string>>;
} = {}): Promise<GuestKernel> {
  const unlock = await lockKernel();
  const bpffs = mkdtempSync("/sys/fs/bpf/guardbee-");
  const open = (bpffs: string, its = protectedBinaries, cgroupRate?: CgroupRate) =>
    new KernelEngine({
      ...(cgroupRate === undefined ? {} : { cgroupRate }),
      ...{ native, bpffs, protectedBinaries: its, podFiles, log: pino({ level: "silent" }) },
      allowed: { whyNoRequest: () => undefined }, // nobody makes them here
      objects: fileURLToPath(new URL("../../../bpf/build", import.meta.url)),
    });
  const engine = withFiles(said, () => open(bpffs));
  const events = new EventLog(engine);
  return {
    ...{ engine, events, bpffs, open },
    program: async (sets, scopes = {}) => {
      const all = { host: namesOf(sets), podRoots: [], unknownPods: [], cgroups: [], ...scopes };
      return statesOf(await engine.program({ sets, scopes: all }));
    },
    waiting: () =>
      count(native, waitingPins({ maps: `${bpffs}/*/maps` })[0]!, layout.waiting_key.size),
    hashing: () => count(native, `${bpffs}/*/maps/hashing`, 8),
    withoutRoomToHash: (during) => withoutRoomToHash(native, engine.maps.hashing, during),
    close: async () => {
      await engine.program({
        sets: [],
        scopes: { host: [], podRoots: [], unknownPods: [], cgroups: [] },
      });
      await events.close();
      unlock();
    },
  };
}

/** No other test sees them: they are there as long as `during`, in a guest whose kernel is the caller's. */
function withFiles<T>(texts: Readonly<Record<string, string>>, during: () => T): T {
  const mounted: string[] = [];
  try {
    for (const [file, text] of Object.entries(texts)) {
      const path = join(mkdtempSync("/tmp/said-"), basename(file));
      writeFileSync(path, text);
      execFileSync("mount", ["--bind", path, file]);
      mounted.push(file);
    }
    return during();
  } finally {
    for (const file of mounted) execFileSync("umount", [file]);
  }
}

/** Entries of a map that is pinned, if it is. */
function count(native: Native, pins: string, keyBytes: number): number {
  const [pin] = globSync(pins);
  if (pin === undefined) return 0;
  const fd = native.openPinnedMap(pin);
  try {
    return native.keys(fd).length / keyBytes;
  } finally {
    native.closeFd(fd);
  }
}

/** Fills the map of the tasks that have files hashed, by tasks that cannot be. */
async function withoutRoomToHash(
  native: Native,
  fd: number,
  during: () => Promise<void>,
): Promise<void> {
  const bytes = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);
  const tasks = Array.from({ length: native.mapInfo(fd).maxEntries }, (_, i) => {
    return bytes((1n << 63n) + BigInt(i));
  });
  try {
    for (const task of tasks) native.update(fd, task, bytes(process.hrtime.bigint()));
    await during();
  } finally {
    for (const task of tasks) native.remove(fd, task);
  }
}

/** What became of each set, where the kernel did not keep what it held before. */
export function statesOf(done: Programmed): readonly SetState[] {
  if (done.kind === "kept") throw new Error(`kept: ${JSON.stringify(done.refused)}`);
  return done.states;
}

export function namesOf(sets: readonly NamedSet[]): string[] {
  return sets.map(({ name }) => name).sort();
}

export type BpfIds = Readonly<Record<"prog" | "map" | "link", readonly number[]>>;

/** Ids of every program, map and link in the kernel, from bpftool. */
export function bpfIds(): BpfIds {
  const ids = (what: string): number[] =>
    (
      JSON.parse(execFileSync("bpftool", ["-j", what, "list"], { encoding: "utf8" })) as {
        id: number;
      }[]
    ).map(({ id }) => id);
  return { prog: ids("prog"), map: ids("map"), link: ids("link") };
}
