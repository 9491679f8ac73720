import { execText } from "../records/decode.ts";
import type { CloneRecord, ExecRecord, ProcessKey } from "../records/kernel-record.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import type { Accounts } from "./accounts.ts";
import { type Image, imageOfClone, imageOfExec } from "./image.ts";

/** One image of one process. Its one writer is ProcessTree. */
export type Process = {
  readonly key: ProcessKey;
  readonly image: Image;
  /** The forking parent, or on a re-exec the image before; pid 0 is the kernel. */
  readonly parentKey: ProcessKey;
  /** Undefined when the parent is not known. */
  readonly parent: Process | undefined;
  /** Those above its parent, nearest first, down to pid 1 or 2; empty where nobody asked for them. */
  readonly ancestors: readonly Process[];
  /** 1 for itself while it runs, and 1 for each child that runs; with `ancestors` for each descendant. */
  readonly refs: number;
  readonly running: boolean;
  /** Found in /proc: its key's time may be the start of the process in clock ticks. */
  readonly scanned: boolean;
  /** Asked for since the last pass of eviction. */
  readonly used: boolean;
  /** Undefined until it is known, and outside of containers. */
  readonly container: PodContainer | undefined;
};

export type TreeOptions = {
  /** How many images are kept; default 65536. Beyond it ended ones go first, then unused ones. */
  readonly limit?: number;
  /** How long an ended image without running children stays known; default 30 s. */
  readonly graceMs?: number;
  /** Processes know those above their parents, which stay known while they run; default false. */
  readonly ancestors?: boolean;
  /** Absent: images have no names of users. */
  readonly accounts?: Pick<Accounts, "nameOf">;
  /** Hides what is secret in an image, before anybody sees it. Absent: nothing is. */
  readonly redact?: (image: Image) => Image;
};

export type TreeStats = {
  readonly processes: number;
  readonly running: number;
  /** Images dropped because of `limit`. */
  readonly evicted: number;
};

/** Who runs what, who started whom. Fed with kernel events in their order; bounded in size. */
export class ProcessTree {
  /** Every image that is known, by `idOf`; in the order in which eviction looks at them. */
  readonly #images = new Map<string, Writable>();
  /** The running image of each pid. */
  readonly #byPid = new Map<number, Writable>();
  /** Images whose refs fell to 0, oldest first; those that came to life again are skipped. */
  #ended: { readonly process: Writable; readonly atMs: number }[] = [];
  readonly #limit: number;
  readonly #graceMs: number;
  readonly #ancestors: boolean;
  readonly #accounts: TreeOptions["accounts"];
  readonly #redact: (image: Image) => Image;
  readonly #monotonic: () => number;
  #evicted = 0;

  constructor(monotonic: () => number, options: TreeOptions = {}) {
    this.#monotonic = monotonic;
    this.#limit = options.limit ?? 65536;
    this.#graceMs = options.graceMs ?? 30_000;
    this.#ancestors = options.ancestors ?? false;
    this.#accounts = options.accounts;
    this.#redact = options.redact ?? ((image) => image);
    this.#insert(kernelKey, { image: kernelImage, parentKey: kernelKey, scanned: true });
  }

  /** The image of `key`, or the scanned process it must be; undefined when it is not known. */
  find(key: ProcessKey): Process | undefined {
    const found: Writable | undefined = this.#images.get(idOf(key)) ?? this.#scannedAs(key);
    if (found !== undefined) found.used = true;
    return found;
  }

  /** A process that ran before process tracking did. Parents must come before their children. */
  scanned(key: ProcessKey, { image, parentPid }: ScannedImage): Process {
    const known = this.#images.get(idOf(key));
    if (known !== undefined) return known;
    const parent = parentPid === 0 ? this.#images.get(idOf(kernelKey)) : this.#byPid.get(parentPid);
    const parentKey = parent?.key ?? { pid: parentPid, ktime: 0n };
    const shown = this.#redact(image);
    return this.#insert(key, { image: shown, parentKey, parent, scanned: true });
  }

  /** The new image. The image that the process had before ends, like a process that exits. */
  exec(event: ExecRecord): Process {
    const running = this.#byPid.get(event.process.pid);
    const sources = { before: running?.image, accounts: this.#accounts };
    const image = this.#redact(imageOfExec(event, execText(event), sources));
    const known = this.#images.get(idOf(event.process));
    if (known !== undefined) return replaceImage(known, image); // the scan was faster
    const parent = this.find(event.parent);
    const made = this.#insert(event.process, { image, parentKey: event.parent, parent });
    if (running !== undefined) inheritContainer(made, running);
    if (running !== undefined) this.#end(running);
    this.#byPid.set(made.key.pid, made);
    return made;
  }

  /** The new process, with its parent's image; undefined when the parent is not known. */
  clone(event: CloneRecord): Process | undefined {
    const known = this.#images.get(idOf(event.process));
    if (known !== undefined) return known;
    const parent = this.find(event.parent);
    if (parent === undefined) return undefined;
    const before = this.#byPid.get(event.process.pid);
    if (before !== undefined) this.#end(before); // its exit was lost: the pid is in use again
    const image = imageOfClone(event, parent.image);
    const made = this.#insert(event.process, { image, parentKey: parent.key, parent });
    inheritContainer(made, parent);
    return made;
  }

  /** The image that ended, which stays known for a while; undefined when it was not known. */
  exit(key: ProcessKey): Process | undefined {
    const found = this.find(key);
    if (found !== undefined) this.#end(found);
    return found;
  }

  /** Says in which container `process`, one of this tree's, lives. */
  assign(process: Writable, container: PodContainer): void {
    process.container = container;
  }

  /** Forgets what ended longer than the grace ago. To be called about once a second. */
  sweep(): void {
    const dueMs = this.#monotonic() - this.#graceMs;
    const kept = this.#ended.findIndex(({ atMs }) => atMs > dueMs);
    const due = this.#ended.splice(0, kept === -1 ? this.#ended.length : kept);
    for (const { process } of due) if (process.refs === 0) this.#forget(process);
  }

  /** Every image that is known, also of those that ended of late. */
  all(): Iterable<Process> {
    return this.#images.values();
  }

  stats(): TreeStats {
    const { size } = this.#images;
    return { processes: size, running: this.#byPid.size, evicted: this.#evicted };
  }

  #insert(
    key: ProcessKey,
    from: {
      readonly image: Image;
      readonly parentKey: ProcessKey;
      readonly parent?: Writable | undefined;
      readonly scanned?: boolean;
    },
  ): Writable {
    if (this.#images.size >= this.#limit) this.#evict();
    const { image, parent, scanned = false } = from;
    const parentKey = parent?.key ?? (from.parentKey.pid === 0 ? kernelKey : from.parentKey);
    const made: Writable = {
      key,
      image,
      parentKey,
      parent,
      ancestors: this.#ancestors && key.pid > 2 ? ancestorsOf(parent) : nobody,
      refs: 1,
      running: true,
      scanned,
      used: true,
      container: undefined,
    };
    this.#images.set(idOf(key), made);
    if (!this.#byPid.has(key.pid)) this.#byPid.set(key.pid, made);
    if (parent !== undefined) this.#hold(parent);
    for (const ancestor of made.ancestors) this.#hold(ancestor);
    return made;
  }

  #end(process: Writable): void {
    if (!process.running) return;
    process.running = false;
    if (this.#byPid.get(process.key.pid) === process) this.#byPid.delete(process.key.pid);
    this.#release(process);
    this.#releaseAbove(process);
  }

  #releaseAbove({ parent, ancestors }: Writable): void {
    if (parent !== undefined) this.#release(parent);
    for (const ancestor of ancestors) this.#release(ancestor);
  }

  #hold(process: Writable): void {
    process.refs++;
  }

  #release(process: Writable): void {
    process.refs--;
    if (process.refs === 0) this.#ended.push({ process, atMs: this.#monotonic() });
  }

  /** Makes room for one: the longest ended first, else whatever was not asked for of late. */
  #evict(): void {
    this.#evicted++;
    for (let next = this.#ended.shift(); next !== undefined; next = this.#ended.shift()) {
      if (next.process.refs === 0 && this.#forget(next.process)) return;
    }
    for (const [id, process] of this.#images) {
      if (!process.used) {
        this.#forget(process);
        return;
      }
      process.used = false; // a second chance, at the end of the order
      this.#images.delete(id);
      this.#images.set(id, process);
    }
  }

  /** Whether it was known. Cuts the way to its own parent, so that no chain outlives the limit. */
  #forget(process: Writable): boolean {
    if (this.#byPid.get(process.key.pid) === process) this.#byPid.delete(process.key.pid);
    if (process.running) this.#releaseAbove(process);
    process.running = false;
    process.parent = undefined;
    process.ancestors = nobody;
    return this.#images.delete(idOf(process.key));
  }

  /** /proc knows starts to a clock tick only, the kernel side to the nanosecond. */
  #scannedAs(key: ProcessKey): Writable | undefined {
    const running = this.#byPid.get(key.pid);
    if (running === undefined || !running.scanned) return undefined;
    const off = running.key.ktime - key.ktime;
    return off < tickNs && off > -tickNs ? running : undefined;
  }
}

/** Of who is started by `parent`. */
function ancestorsOf(parent: Process | undefined): readonly Process[] {
  const grandparent = parent?.parent;
  if (parent === undefined || grandparent === undefined || parent.key.pid <= 2) return nobody;
  return [grandparent, ...parent.ancestors.slice(0, ancestorsMax - 1)];
}

const nobody: readonly Process[] = [];
/** A process that execs itself for ever has as many as it likes. */
const ancestorsMax = 64;

/** A process as ProcessTree writes it. */
type Writable = { -readonly [Field in keyof Process]: Process[Field] };

/** What the scan of /proc says about one process. */
export type ScannedImage = { readonly image: Image; readonly parentPid: number };

/** Pid 0, the parent of pid 1 and pid 2. */
const kernelKey: ProcessKey = { pid: 0, ktime: 1n };

const kernelImage: Image = {
  ...{ binary: "<kernel>", arguments: "", cwd: "/", uid: 0, auid: 0, flags: "procFS" },
  ...{ nspid: 0, cgroupId: 0n, docker: "", inInitTree: false },
};

/** One tick of /proc/PID/stat, which counts in USER_HZ: 100 a second on every Linux ABI we run on. */
export const tickNs = 10_000_000n;

function replaceImage(process: Writable, image: Image): Process {
  process.image = image;
  process.container = undefined;
  return process;
}

/** Both are in the same container. */
function inheritContainer(process: Writable, from: Process): void {
  if (process.image.docker === from.image.docker) process.container = from.container;
}

function idOf({ pid, ktime }: ProcessKey): string {
  return `${ktime}:${pid}`;
}
