import { type Clock, systemClock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { BundleLimits, BundleSource, Verification } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { type Fetched, fetchBundle } from "./fetch-bundle.ts";
import { parseOciReference } from "./oci-reference.ts";
import { afterPoll, delayMs, type PollerState, type PollResult } from "./poller-state.ts";

export type BundlePollerOptions = {
  readonly source: Exclude<BundleSource, { readonly kind: "configMap" }>;
  readonly verification?: Verification | undefined;
  readonly limits: BundleLimits;
  /** Between two polls when all is well. */
  readonly intervalMs: number;
  /** For one poll; default 60 s. */
  readonly timeoutMs?: number;
  /** Awaited before the next poll. If it throws, run() does. */
  readonly onResult: (result: PollResult, signal: AbortSignal) => Promise<void> | void;
  readonly log: Logger;
  readonly clock?: Clock;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  /** Default fetchBundle. */
  readonly fetch?: typeof fetchBundle;
};

/**
 * Asks one source for its bundle again and again. It belongs to one source with one verification:
 * when either changes, end it and make another, so that no etag outlives what it was checked by.
 */
export class BundlePoller {
  readonly #options: BundlePollerOptions;
  readonly #clock: Clock;
  /** Written by #enter only. */
  #state: PollerState = { kind: "starting" };

  constructor(options: BundlePollerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  state(): PollerState {
    return this.#state;
  }

  /** Polls until aborted, or until a source that is pinned by digest has given its bundle. */
  async run(signal: AbortSignal): Promise<void> {
    const { intervalMs, random = Math.random, onResult } = this.#options;
    try {
      for (;;) {
        const result = await this.#poll(signal);
        this.#enter(afterPoll(this.#state, result), result);
        await onResult(result, signal);
        if (result.kind === "bundle" && isPinned(this.#options.source)) return;
        await this.#clock.sleep(delayMs(this.#state, intervalMs, random()), signal);
      }
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error; // abort is the normal end
    }
  }

  async #poll(signal: AbortSignal): Promise<PollResult> {
    const { source, verification, limits, timeoutMs = 60_000, fetch = fetchBundle } = this.#options;
    const { etag } = this.#state;
    const clock = this.#clock;
    try {
      const options = { etag, verification, limits, timeoutMs, clock, signal };
      return toResult(await fetch(source, options));
    } catch (error) {
      if (error instanceof BundleError) return { kind: "failed", error };
      throw error;
    }
  }

  #enter(state: PollerState, result: PollResult): void {
    const from = this.#state;
    this.#state = state;
    const { log } = this.#options;
    if (result.kind === "bundle") {
      const { revision, digest } = result.bundle;
      log.info({ revision, digest }, "bundle fetched");
    } else if (state.kind === "failing") {
      const { reason } = state.error;
      const same = from.kind === "failing" && from.error.reason === reason;
      log[same ? "debug" : "warn"]({ reason, err: state.error }, "bundle not usable");
    } else if (from.kind === "failing") {
      log.info({ after: from.error.reason }, "bundle source recovered");
    }
  }
}

function toResult(fetched: Fetched): PollResult {
  return fetched.kind === "unchanged" ? { kind: "unchanged" } : fetched;
}

/** Whether the source can only ever give one bundle. Its reference is sound: it has given one. */
function isPinned(source: BundlePollerOptions["source"]): boolean {
  if (source.digest !== undefined) return true;
  return source.kind === "oci" && parseOciReference(source.reference).digest !== undefined;
}
