import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isHashPin, isProgramPin } from "./hash-programs.ts";
import type { Native } from "./native.ts";
import { type Pins, removePins } from "./pins.ts";

/** From an exec's first program of a hook to the one that says it sleeps, and from that to the last one. */
const marginNs = 5_000_000_000n;

/**
 * Detached programs that stay loaded while some task may be about to run them. A task that sleeps in a
 * program (bpf/attach/lsm_hash.bpf.c) goes on with those that were attached behind it when it came. The
 * kernel does not keep these (bpf_tramp_image_put): it would run memory that it has freed, and panic.
 *
 * They are pinned, so that it does not matter when the agent ends.
 */
export class RetiredPrograms {
  readonly #native: Native;
  readonly #pins: Pins;
  /** The map of the tasks that sleep. */
  readonly #hashing: number;
  #count = 0;

  constructor(native: Native, pins: Pins, hashing: number) {
    this.#native = native;
    this.#pins = pins;
    this.#hashing = hashing;
  }

  /** Removes the pins of an attach point: its links are detached, or will be by this. */
  remove(folder: string): void {
    const keeps = this.#mayRun(dirname(folder));
    if (keeps) this.#pins.makeFolders();
    for (const name of readdirSync(folder)) {
      if (!keeps || !isProgramPin(name)) continue;
      const since = `${process.hrtime.bigint()}-${this.#count++}`;
      renameSync(join(folder, name), join(this.#pins.retired, since));
    }
    removePins(folder);
  }

  /** Removes all pins of another version. */
  removeVersion(root: string): void {
    const hooks = join(root, "hooks");
    for (const name of existsSync(hooks) ? readdirSync(hooks) : []) this.remove(join(hooks, name));
    removePins(root);
  }

  /** Lets go of those that no task can run any more. Throws KernelError. */
  collect(): void {
    const retired = this.#kept();
    if (retired.length === 0) return;
    const oldest = this.#asleepSince();
    for (const name of retired) {
      const since = BigInt(/^\d+/.exec(name)?.[0] ?? 0); // nobody else's to be there
      if (since + marginNs < oldest) rmSync(join(this.#pins.retired, name));
    }
  }

  /** Whether there are programs that sleep among `hooks`, or have been a moment ago. */
  #mayRun(hooks: string): boolean {
    if (this.#kept().length > 0) return true;
    return readdirSync(hooks).some((name) => readdirSync(join(hooks, name)).some(isHashPin));
  }

  #kept(): readonly string[] {
    const { retired } = this.#pins; // which somebody may have removed
    return existsSync(retired) ? readdirSync(retired) : [];
  }

  /** Since when the task sleeps that has slept for longest: ns as of bpf_ktime_get_ns; now, where none does. */
  #asleepSince(): bigint {
    const value = new BigUint64Array(1);
    const keys = Uint8Array.from(this.#native.keys(this.#hashing));
    let oldest = process.hrtime.bigint();
    for (let at = 0; at < keys.length; at += 8) {
      const found = this.#native.lookup(
        this.#hashing,
        keys.subarray(at, at + 8),
        new Uint8Array(value.buffer),
      );
      if (found && value[0]! < oldest) oldest = value[0]!;
    }
    return oldest;
  }
}
