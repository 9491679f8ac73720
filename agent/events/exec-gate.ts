import type { Process } from "../process/process.ts";
import type { ProcessTree } from "../process/tree.ts";
import type { HookRecord } from "../records/kernel-record.ts";

/**
 * Writes a record's event, of the image that it is about; undefined: that is not known. `image`: whether
 * it is that one, or for want of its exec the one before.
 */
type Emit = (
  process: Process | undefined,
  record: HookRecord,
  image: "that began" | "before",
) => void;

/**
 * Events that went out as of the image before: as many waited as may (space), or no exec was told of until
 * the process ended, the agent did, or the time was over (time).
 */
export type WithoutExec = Readonly<Record<"space" | "time", number>>;

/** Ticks that an event waits at most: its exec follows within microseconds, if the kernel tells of it. */
const waitTicks = 2;
/** Events that may wait at once; more go out as they are. */
const limit = 4_096;

/**
 * Holds what is told of an exec before the exec itself is (HookInfo.beforeExec), whose record has the image
 * that the process had before. It goes out behind the exec, as an event of the image that began; of the
 * image before when no exec comes.
 */
export class ExecGate {
  readonly #tree: Pick<ProcessTree, "find" | "running">;
  /** By pid, in the order in which they came. */
  readonly #held = new Map<number, Held[]>();
  #waiting = 0;
  readonly #without = { space: 0, time: 0 };
  #tick = 0;

  constructor(tree: Pick<ProcessTree, "find" | "running">) {
    this.#tree = tree;
  }

  /** How many events wait now. */
  get waiting(): number {
    return this.#waiting;
  }

  get without(): WithoutExec {
    return { ...this.#without };
  }

  /** Calls `emit` when it is known which image `record` is about, now if that is so. It keeps the record. */
  take(record: HookRecord, emit: Emit): void {
    const { pid } = record.process;
    const began = this.#tree.running(pid);
    if (began !== undefined && began.key.ktime >= record.ktime) {
      emit(began, { ...record, process: began.key }, "that began");
      return;
    }
    if (this.#waiting >= limit) {
      this.#without.space++;
      emit(this.#tree.find(record.process), record, "before");
      return;
    }
    const held = this.#held.get(pid);
    const one = { record, emit, tick: this.#tick };
    if (held === undefined) this.#held.set(pid, [one]);
    else held.push(one);
    this.#waiting++;
  }

  /** The image of an exec that was told of. */
  began(process: Process): void {
    this.#release(process.key.pid, process);
  }

  /** The process with that pid has ended. */
  ended(pid: number): void {
    this.#release(pid, undefined);
  }

  /** Lets go of what waits too long. To be called about every 200 ms. */
  retry(): void {
    this.#tick++;
    for (const [pid, [oldest]] of this.#held) {
      if (this.#tick - oldest!.tick > waitTicks) this.#release(pid, undefined);
    }
  }

  /** Lets go of everything: the end. */
  flush(): void {
    for (const pid of this.#held.keys()) this.#release(pid, undefined);
  }

  #release(pid: number, began: Process | undefined): void {
    const held = this.#held.get(pid);
    if (held === undefined) return;
    this.#held.delete(pid);
    this.#waiting -= held.length;
    for (const { record, emit } of held) {
      if (began !== undefined) emit(began, { ...record, process: began.key }, "that began");
      else {
        this.#without.time++;
        emit(this.#tree.find(record.process), record, "before");
      }
    }
  }
}

type Held = { readonly record: HookRecord; readonly emit: Emit; readonly tick: number };
