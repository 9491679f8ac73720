import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessKey } from "../records/kernel-record.ts";
import { dockerId, type Image, type ImageDetails, joinArguments } from "./image.ts";
import type { Process } from "./process.ts";
import { scanDetails } from "./scan-details.ts";
import { type ProcessTree, tickNs } from "./tree.ts";

export type ScanOptions = {
  /** The host's procfs, `/proc` unless it is mounted elsewhere. */
  readonly procfs: string;
  /** The host's cgroup v2 root. */
  readonly cgroupRoot: string;
  /** The key under which the kernel side knows a process already, or null. */
  readonly keyOf: (pid: number) => { readonly ktime: bigint } | null;
  readonly details?: ImageDetails;
};

/**
 * Puts every process that runs now into `tree`, parents first, and returns those that are no kernel
 * threads, in that order. Start process tracking before, and feed its events after. What vanishes
 * while it is read is left out.
 */
export async function scanProcesses(
  tree: ProcessTree,
  options: ScanOptions,
): Promise<readonly Process[]> {
  const entries = await readdir(options.procfs);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = new Map<number, FoundProcess>();
  for (const pid of pids) {
    const process = await readStable(pid, options);
    if (process !== undefined) found.set(pid, process);
  }
  const made: Process[] = [];
  for (const process of parentsFirst(found)) {
    const parent = found.get(process.parentPid);
    const image = markInit(process, parent);
    const known = tree.scanned(process.key, { image, parentPid: process.parentPid });
    if (!process.kernelThread) made.push(known);
    found.set(process.key.pid, { ...process, image });
  }
  return made;
}

type FoundProcess = {
  readonly key: ProcessKey;
  readonly parentPid: number;
  readonly kernelThread: boolean;
  readonly image: Image;
};

const kernelThreadFlag = 0x00200000; // PF_KTHREAD
const readAttempts = 3;

/** Read again when the process went through an exec meanwhile: its key says so. */
async function readStable(pid: number, options: ScanOptions): Promise<FoundProcess | undefined> {
  let found: FoundProcess | undefined;
  for (let attempt = 0; attempt < readAttempts; attempt++) {
    const before = options.keyOf(pid);
    found = await readProcess(pid, before?.ktime, options);
    if (options.keyOf(pid)?.ktime === before?.ktime) break;
  }
  return found;
}

async function readProcess(
  pid: number,
  ktime: bigint | undefined,
  { procfs, cgroupRoot, details }: ScanOptions,
): Promise<FoundProcess | undefined> {
  const folder = join(procfs, String(pid));
  const text = (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  const stats = parseStat(await text("stat"));
  if (stats === undefined || stats.state === "Z" || stats.state === "X") return undefined;
  const status = parseStatus(await text("status"));
  const args = (await text("cmdline")).split("\0");
  const exe = await readlink(join(folder, "exe")).catch(() => "");
  const cwd = await readlink(join(folder, "cwd")).catch(() => "");
  const cgroup = parseCgroup(await text("cgroup"));
  return {
    key: { pid, ktime: ktime ?? stats.startTicks * tickNs },
    parentPid: stats.parentPid,
    kernelThread: (stats.flags & kernelThreadFlag) !== 0,
    image: {
      binary: exe === "" ? (args[0] ?? "") : exe,
      arguments: joinArguments(args.slice(1, -1)),
      cwd,
      uid: status.uid,
      auid: parseAuid(await text("loginuid")),
      flags: cwd === "/" ? "procFS rootcwd" : "procFS",
      nspid: status.nspid,
      cgroupId: await cgroupId(cgroupRoot, cgroup),
      docker: containerIn(cgroup),
      inInitTree: false,
      ...(details && (await scanDetails(folder, details))),
    },
  };
}

/** Of a cgroup inside of a container's the container's, of nested containers the innermost. */
function containerIn(cgroup: string): string {
  return (
    cgroup
      .split("/")
      .map(dockerId)
      .findLast((id) => id !== undefined) ?? ""
  );
}

type Stat = {
  readonly state: string;
  readonly parentPid: number;
  readonly flags: number;
  /** In clock ticks since boot. */
  readonly startTicks: bigint;
};

/** /proc/PID/stat (proc(5)); the name in parentheses may hold spaces and parentheses itself. */
export function parseStat(text: string): Stat | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid, flags, startTicks] = [fields[0], fields[1], fields[6], fields[19]];
  if (state === undefined || !/^\d+$/.test(startTicks ?? "")) return undefined;
  return {
    state,
    parentPid: Number(parentPid),
    flags: Number(flags),
    startTicks: BigInt(startTicks ?? 0),
  };
}

/** Effective uid, and the pid in the container when the process lives in one. */
export function parseStatus(text: string): { readonly uid: number; readonly nspid: number } {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(text)?.[1];
  const pids = /^NSpid:\s+(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  return { uid: Number(uid ?? 0), nspid: Number(pids[1] ?? 0) };
}

/**
 * The cgroup v2 path in /proc/PID/cgroup. Seen from inside a cgroup namespace it starts with `/..`
 * once for each folder that the reader is below the root; those are taken off.
 */
export function parseCgroup(text: string): string {
  const path = /^0::(\/.*)$/m.exec(text)?.[1] ?? "/";
  return path.replace(/^(\/\.\.)+/, "") || "/";
}

/** Not set is 4294967295, as it is without audit in the kernel. */
function parseAuid(text: string): number {
  return /^\d+/.test(text) ? Number.parseInt(text, 10) : 0xffffffff;
}

/** The inode number of the cgroup's folder; 0 when it is not there. */
async function cgroupId(root: string, path: string): Promise<bigint> {
  const found = await stat(join(root, path), { bigint: true }).catch(() => undefined);
  return found?.ino ?? 0n;
}

function parentsFirst(found: ReadonlyMap<number, FoundProcess>): Iterable<FoundProcess> {
  const ordered = new Set<FoundProcess>();
  for (const process of found.values()) {
    const path: FoundProcess[] = [];
    for (
      let next: FoundProcess | undefined = process;
      next !== undefined && !ordered.has(next) && !path.includes(next);
      next = found.get(next.parentPid)
    ) {
      path.push(next);
    }
    for (const next of path.reverse()) ordered.add(next);
  }
  return ordered;
}

/** Pid 1 of a container, and what descends from it inside. */
function markInit(process: FoundProcess, parent: FoundProcess | undefined): Image {
  const { image } = process;
  const inherits = image.nspid > 1 && parent !== undefined && parent.image.inInitTree;
  if (image.nspid !== 1 && !inherits) return image;
  return { ...image, inInitTree: true, flags: `${image.flags} inInitTree` };
}
