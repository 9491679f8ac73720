import type { Clock } from "@guardbee/kube";

/**
 * Work on the main thread that others ask for: one piece after the other, and after each a pause as
 * long as it took. So at least half of the thread is left to the controller and its lease, however
 * much is asked. Peers take turns, so one that asks for much keeps only itself waiting.
 */
export class HalfTime {
  readonly #clock: Clock;
  /** Of each peer the pieces that wait, the next peer first. Written by #turn and #next. */
  readonly #waiting = new Map<string, (() => void)[]>();
  /** A piece runs, or the pause after it. Written by #next. */
  #isTaken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What `work` gives or throws, when it is its turn; what it awaits is not waited for by others. */
  async run<T>(peer: string, work: () => T, signal: AbortSignal): Promise<T> {
    await this.#turn(peer);
    const startMs = this.#clock.monotonic();
    try {
      signal.throwIfAborted();
      return work();
    } finally {
      const tookMs = this.#clock.monotonic() - startMs;
      if (tookMs < 1) this.#next();
      else this.#clock.sleep(tookMs, never).then(() => this.#next());
    }
  }

  #turn(peer: string): Promise<void> {
    return new Promise((resolve) => {
      const line = this.#waiting.get(peer) ?? [];
      line.push(resolve);
      this.#waiting.set(peer, line);
      if (!this.#isTaken) this.#next();
    });
  }

  #next(): void {
    const [first] = this.#waiting;
    this.#isTaken = first !== undefined;
    if (first === undefined) return;
    const [peer, line] = first;
    const begin = line.shift();
    this.#waiting.delete(peer);
    if (line.length > 0) this.#waiting.set(peer, line); // behind the others
    begin?.();
  }
}

const never = new AbortController().signal;
