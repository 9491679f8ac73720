import type { Logger } from "pino";
import { type Clock, systemClock, withDeadline } from "./clock.ts";
import type { KubeConnection } from "./connection.ts";
import { isKubeError } from "./kube-error.ts";
import { createObject, getObject } from "./objects.ts";
import { apiVersion, type KubeObject, objectPath, resources } from "./resource.ts";

/** Whether we hold the lease. Written by Lease's #enter only. */
export type LeaseState =
  /** Somebody else holds it, or nobody is known to. */
  | { readonly kind: "following"; readonly holder: string }
  /** Ours, until `renewDeadlineMs` after `renewedAtMs` (monotonic). */
  | { readonly kind: "leading"; readonly renewedAtMs: number };

export type LeaseOptions = {
  readonly connection: KubeConnection;
  readonly name: string;
  readonly namespace: string;
  /** Unique to this process: pod name and a random suffix. */
  readonly identity: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** How long others wait after the last renewal they saw; default 15 s. */
  readonly durationMs?: number;
  /** How long we go on leading without a renewal; default 10 s. Must be below durationMs. */
  readonly renewDeadlineMs?: number;
  /** Between two attempts to take or renew it; default 2 s. */
  readonly retryMs?: number;
};

type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};

/**
 * Leader election by one Lease object, as client-go does it: expiry is judged by how long we have
 * seen no change of the record, never by comparing clocks. The loser's signal is aborted at once.
 */
export class Lease {
  /** Written by #enter only. */
  #state: LeaseState = { kind: "following", holder: "" };
  /** The last record seen, and when it expires if it does not change. Written by #expired only. */
  #seen: { readonly record: string; readonly expiresMs: number } | undefined;
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#durationMs = options.durationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2_000;
    if (this.#renewDeadlineMs >= this.#durationMs) {
      throw new Error("renewDeadlineMs: is not below durationMs; two leaders would overlap");
    }
  }

  /**
   * Calls `lead` each time we hold the lease, with a signal that aborts when it is lost. Ends when
   * `signal` aborts and `lead` has returned; the lease is then given back. Throws what `lead` throws.
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#attempt(signal)) await this.#leadUntilLost(lead, signal);
      else await this.#clock.sleep(this.#pauseMs(), signal).catch(() => {});
    }
  }

  /** Until the next attempt to take it: no longer than the record that we saw last is good for. */
  #pauseMs(): number {
    const leftMs = Math.ceil((this.#seen?.expiresMs ?? 0) - this.#clock.monotonic());
    return leftMs > 0 ? Math.min(leftMs, this.#retryMs) : this.#retryMs;
  }

  async #leadUntilLost(
    lead: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const lost = new AbortController();
    const leading = AbortSignal.any([signal, lost.signal]);
    const work = lead(leading).finally(() => lost.abort(new Error("the leader's work ended")));
    const renewal = this.#renewUntilLost(leading).then((reason) => lost.abort(new Error(reason)));
    try {
      await work;
    } catch (error) {
      if (!leading.aborted || error !== leading.reason) throw error;
    } finally {
      await renewal;
      if (this.#state.kind === "leading") await this.#release();
    }
  }

  /** Renews until it cannot any more, and returns why; the state is then `following`. */
  async #renewUntilLost(signal: AbortSignal): Promise<string> {
    for (;;) {
      await this.#clock.sleep(this.#retryMs, signal).catch(() => {});
      if (signal.aborted) return "stopped";
      const { kind } = this.#state;
      if (kind === "leading") await this.#attempt(signal);
      if (signal.aborted) return "stopped";
      const state = this.#state;
      if (state.kind !== "leading") return `the lease went to ${state.holder}`;
      if (this.#clock.monotonic() - state.renewedAtMs >= this.#renewDeadlineMs) {
        this.#enter({ kind: "following", holder: "" });
        return `the lease was not renewed for ${this.#renewDeadlineMs} ms`;
      }
    }
  }

  /** One attempt to take or renew; whether we hold the lease now. Never throws. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const startedMs = this.#clock.monotonic();
    try {
      const limit = { ms: this.#attemptMs(startedMs), error: () => new Error("no answer in time") };
      const state = await withDeadline(this.#clock, limit, signal, (limited) =>
        this.#takeOrRenew(limited),
      );
      this.#enter(state);
      return state.kind === "leading";
    } catch (error) {
      if (!signal.aborted && !isKubeError(error, 409)) {
        this.#options.log.warn({ err: error }, "lease cannot be taken or renewed");
      }
      return false; // a conflict or an unreachable server: the next attempt sees more
    }
  }

  /** An attempt must not outlast the right to lead: a hanging renewal is a lost lease. */
  #attemptMs(nowMs: number): number {
    const state = this.#state;
    if (state.kind !== "leading") return this.#renewDeadlineMs;
    return Math.max(state.renewedAtMs + this.#renewDeadlineMs - nowMs, 1);
  }

  /**
   * What we are after this attempt. Nobody sees our renewal before we send it, so that instant is
   * when our time starts: neither the read before it nor a slow answer counts.
   */
  async #takeOrRenew(signal: AbortSignal): Promise<LeaseState> {
    const { connection, name, namespace, identity } = this.#options;
    const found = await getObject(connection, resources.lease, { name, namespace }, signal);
    const spec = found?.spec as LeaseSpec | undefined;
    const holder = spec?.holderIdentity ?? "";
    if (spec !== undefined && holder !== identity && holder !== "" && !this.#expired(spec)) {
      return { kind: "following", holder };
    }
    const claim = this.#claim(spec);
    const renewedAtMs = this.#clock.monotonic();
    if (found === undefined) {
      const object = { metadata: { name, namespace }, spec: claim };
      await createObject(connection, resources.lease, object, signal);
    } else {
      await this.#put(found, claim, signal);
    }
    return { kind: "leading", renewedAtMs };
  }

  #expired(spec: LeaseSpec): boolean {
    const record = JSON.stringify(spec);
    const nowMs = this.#clock.monotonic();
    const durationMs = (spec.leaseDurationSeconds ?? this.#durationMs / 1000) * 1000;
    if (this.#seen?.record !== record) this.#seen = { record, expiresMs: nowMs + durationMs };
    return nowMs >= this.#seen.expiresMs;
  }

  #claim(before: LeaseSpec | undefined): LeaseSpec {
    const stamp = microTime(this.#clock.now());
    const kept = before?.holderIdentity === this.#options.identity;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.round(this.#durationMs / 1000),
      acquireTime: kept ? (before?.acquireTime ?? stamp) : stamp,
      renewTime: stamp,
      leaseTransitions: (before?.leaseTransitions ?? -1) + (kept ? 0 : 1),
    };
  }

  /** Fails with 409 when somebody wrote the object since `found` was read. */
  async #put(found: KubeObject, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    await this.#options.connection.request(
      {
        method: "PUT",
        path: objectPath(resources.lease, found.metadata),
        body: {
          apiVersion: apiVersion(resources.lease),
          kind: resources.lease.kind,
          metadata: found.metadata,
          spec,
        },
      },
      signal,
    );
  }

  /** Lets the next one lead at once. Best effort: an unreachable server lets the lease expire. */
  async #release(): Promise<void> {
    const { connection, name, namespace, identity, log } = this.#options;
    const never = new AbortController().signal;
    const limit = { ms: 2_000, error: () => new Error("no answer in time") };
    try {
      await withDeadline(this.#clock, limit, never, async (limited) => {
        const found = await getObject(connection, resources.lease, { name, namespace }, limited);
        const spec = found?.spec as LeaseSpec | undefined;
        if (found === undefined || spec?.holderIdentity !== identity) return;
        await this.#put(found, { ...spec, holderIdentity: "", leaseDurationSeconds: 1 }, limited);
      });
    } catch (error) {
      log.warn({ err: error }, "lease cannot be released");
    }
    this.#enter({ kind: "following", holder: "" });
  }

  #enter(to: LeaseState): void {
    const from = this.#state;
    this.#state = to;
    if (from.kind === to.kind) return;
    const holder = to.kind === "following" ? to.holder : this.#options.identity;
    this.#options.log.info({ from: from.kind, to: to.kind, holder }, "lease changed its state");
  }
}

/** RFC 3339 with the six digits that the API's MicroTime wants. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
