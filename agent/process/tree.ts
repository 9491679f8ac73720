import type { LongText } from "../records/exec-data.ts";
import type { CloneRecord, ExecRecord, ProcessKey } from "../records/kernel-record.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import { type Image, type ImageDetails, imageOfClone, imageOfExec } from "./image.ts";
import { LongImages } from "./long-images.ts";
import type { Process } from "./process.ts";
import { ancestorsOf, containerLike, isBefore, nobody } from "./related.ts";

export type TreeOptions = {
  /** How many images are kept; default 65536. Beyond it ended ones go first, then unused ones. */
  readonly limit?: number;
  /** How long an ended image without running children stays known; default 30 s. */
  readonly graceMs?: number;
  /** Processes know those above their parents, which stay known while they run; default false. */
  readonly ancestors?: boolean;
  /** What images show beside what they always do; default nothing. */
  readonly details?: ImageDetails;
  /** How many characters of long argvs and environments are kept in all; default 32 Mi. */
  readonly longTextLimit?: number;
  /** Hides what is secret in an image, before anybody sees it. Absent: nothing is. */
  readonly redact?: (image: Image) => Image;
};

export type TreeStats = {
  readonly processes: number;
  readonly running: number;
  /** Images dropped because of `limit`. */
  readonly evicted: number;
  /** Images whose text was cut because of `longTextLimit`. */
  readonly cut: number;
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
  readonly #details: ImageDetails | undefined;
  readonly #long: LongImages;
  readonly #redact: (image: Image) => Image;
  readonly #monotonic: () => number;
  #evicted = 0;

  constructor(monotonic: () => number, options: TreeOptions = {}) {
    this.#monotonic = monotonic;
    this.#limit = options.limit ?? 65536;
    this.#graceMs = options.graceMs ?? 30_000;
    this.#ancestors = options.ancestors ?? false;
    this.#details = options.details;
    this.#long = new LongImages(options.longTextLimit ?? 32 << 20, replaceImage);
    this.#redact = options.redact ?? ((image) => image);
    this.#insert(kernelKey, { image: kernelImage, parentKey: kernelKey, scanned: true });
  }

  /** The image of `key`, or the scanned process it must be; undefined when it is not known. */
  find(key: ProcessKey): Process | undefined {
    const running = this.#byPid.get(key.pid);
    const found: Writable | undefined =
      running?.key.ktime === key.ktime
        ? running // most events are of the image that runs: no text is made of a key
        : (this.#images.get(idOf(key)) ?? this.#scannedAs(key));
    if (found !== undefined) found.used = true;
    return found;
  }

  /** The image that the process of that pid runs, or ran last; undefined when it is not known. */
  running(pid: number): Process | undefined {
    return this.#byPid.get(pid);
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

  /**
   * The new image. The image that the process had before ends, like a process that exits. `long`: what
   * of its argv and environment came before its record.
   */
  exec(event: ExecRecord, long?: LongText): Process {
    const { process: key, parent: parentKey } = event;
    const parent = this.find(parentKey);
    const running = this.#byPid.get(key.pid);
    const before = running && isBefore(running, event, parent) ? running : undefined;
    const known = this.#images.get(idOf(key));
    const sources = { before: (known ?? before)?.image, details: this.#details, long };
    const image = this.#redact(imageOfExec(event, sources));
    if (known !== undefined) return this.#correct(known, { image, parentKey, parent });
    const made = this.#insert(key, { image, parentKey, parent });
    if (before !== undefined) made.container = containerLike(image, before);
    this.#makeRunning(made);
    return made;
  }

  /** The new process, with its parent's image; undefined when the parent is not known. */
  clone(event: CloneRecord): Process | undefined {
    const parent = this.find(event.parent);
    const known = this.#images.get(idOf(event.process));
    if (known !== undefined) {
      if (parent !== undefined) this.#adopt(known, { parentKey: parent.key, parent });
      return known;
    }
    if (parent === undefined) return undefined;
    const image = imageOfClone(event, parent.image);
    const made = this.#insert(event.process, { image, parentKey: parent.key, parent });
    made.container = containerLike(image, parent);
    this.#makeRunning(made);
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
    const { cuts: cut } = this.#long;
    return { processes: size, running: this.#byPid.size, evicted: this.#evicted, cut };
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
      ancestors: this.#ancestorsOf(key, parent),
      refs: 1,
      running: true,
      scanned,
      used: true,
      container: undefined,
    };
    this.#images.set(idOf(key), made);
    if (!this.#byPid.has(key.pid)) this.#byPid.set(key.pid, made);
    this.#holdAbove(made);
    this.#long.add(made);
    return made;
  }

  /**
   * Makes `made` what its pid runs, and ends what ran before it: the image before, or another process
   * whose exit was lost. Where the scan has found what the pid ran later, `made` has ended.
   */
  #makeRunning(made: Writable): void {
    const { pid, ktime } = made.key;
    const running = this.#byPid.get(pid);
    if (running === undefined || running === made) return;
    const isLater = running.key.ktime > ktime;
    this.#end(isLater ? made : running);
    if (!isLater) this.#byPid.set(pid, made);
  }

  /** What the scan found before the record of its exec came. */
  #correct(known: Writable, from: FromRecord & { readonly image: Image }): Process {
    replaceImage(known, from.image);
    this.#long.add(known);
    this.#adopt(known, from);
    return known;
  }

  /** The scan sees who the parent is by then; the record says who it was. */
  #adopt(process: Writable, { parentKey, parent }: FromRecord): void {
    if (process.parent === parent || !process.running) return;
    this.#releaseAbove(process);
    process.parent = parent;
    process.parentKey = parent?.key ?? parentKey;
    process.ancestors = this.#ancestorsOf(process.key, parent);
    this.#holdAbove(process);
  }

  #ancestorsOf({ pid }: ProcessKey, parent: Process | undefined): readonly Process[] {
    return this.#ancestors && pid > 2 ? ancestorsOf(parent) : nobody;
  }

  #holdAbove({ parent, ancestors }: Writable): void {
    if (parent !== undefined) this.#hold(parent);
    for (const ancestor of ancestors) this.#hold(ancestor);
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

/** What a record says of the one above. */
type FromRecord = { readonly parentKey: ProcessKey; readonly parent: Process | undefined };

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

function idOf({ pid, ktime }: ProcessKey): string {
  return `${ktime}:${pid}`;
}
