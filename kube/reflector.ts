import type { Logger } from "pino";
import { type Clock, systemClock } from "./clock.ts";
import type { KubeConnection } from "./connection.ts";
import { KubeError } from "./kube-error.ts";
import { listPages } from "./list-pages.ts";
import {
  type Cause,
  causeOf,
  nextState,
  type ReflectorState,
  type ReflectorStep,
} from "./reflector-state.ts";
import {
  apiVersion,
  collectionPath,
  type KubeObject,
  metadataOnly,
  objectKey,
  type Resource,
} from "./resource.ts";
import { parseWatchEvent } from "./watch-event.ts";

/** A change of the snapshot. `before` is what was there, if anything. */
export type Change<T> =
  | { readonly type: "set"; readonly key: string; readonly value: T; readonly before?: T }
  | { readonly type: "deleted"; readonly key: string; readonly before: T };

export type ReflectorOptions<T> = {
  readonly connection: KubeConnection;
  readonly resource: Resource;
  /** Only this namespace; default all. */
  readonly namespace?: string;
  /** `tier=edge,app in (a,b)` */
  readonly labelSelector?: string;
  /** `spec.nodeName=node-1` */
  readonly fieldSelector?: string;
  /** Keeps what is used of an object, so that memory holds no more. Must not throw. */
  readonly project: (object: KubeObject) => T;
  /** Asks the server for metadata alone; `spec` and `status` are then undefined. */
  readonly metadataOnly?: boolean;
  /** Called for each difference between two snapshots, after it is visible to `get`. */
  readonly onChange?: (change: Change<T>) => void;
  /** Called for each step of its life, with the state that it led to. */
  readonly onStep?: (step: ReflectorStep, state: ReflectorState) => void;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Objects a page of the list; default 500. */
  readonly pageSize?: number;
  /** How long a watch may say nothing; default 90 s, as bookmarks come about every minute. */
  readonly silenceMs?: number;
  /** In [0,1), for jitter; default Math.random. */
  readonly random?: () => number;
};

type Entry<T> = { readonly resourceVersion: string; readonly value: T };
/** A watch that lasted this long was healthy, whatever it brought. */
const healthyMs = 5_000;

/**
 * A live copy of one collection: lists it, follows it, and heals by itself for as long as `run`
 * lasts. The snapshot never goes back to empty: during a new list the old one stays readable.
 */
export class Reflector<T> {
  /** Resolves when the first list is complete; pending for ever if run ends before. */
  readonly synced: Promise<void>;
  /** Written by #enter only. */
  #state: ReflectorState = { kind: "listing", failures: 0 };
  /** Written by #set, #delete only. */
  readonly #objects = new Map<string, Entry<T>>();
  #tellSynced!: () => void;
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.synced = new Promise((resolve) => {
      this.#tellSynced = resolve;
    });
  }

  /** The object under `objectKey(ref)`, or undefined. */
  get(key: string): T | undefined {
    return this.#objects.get(key)?.value;
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  list(): readonly T[] {
    return Array.from(this.#objects.values(), (entry) => entry.value);
  }

  /** Lists and watches until `signal` aborts; returns then, and throws only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) this.#enter(await this.#step(signal));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #step(signal: AbortSignal): Promise<ReflectorStep> {
    signal.throwIfAborted();
    switch (this.#state.kind) {
      case "listing":
        return this.#list(signal);
      case "watching":
        return this.#watch(this.#state.resourceVersion, signal);
      case "waiting":
        await this.#clock.sleep(this.#state.delayMs, signal);
        return { kind: "waited" };
    }
  }

  #enter(step: ReflectorStep): void {
    const from = this.#state;
    this.#state = nextState(from, step, this.#random());
    const to = this.#state;
    this.#options.onStep?.(step, to);
    if (from.kind === to.kind) return; // a watch renewed, as it is every few minutes
    const facts = { from: from.kind, to: to.kind, failures: to.failures };
    if (to.kind === "waiting") {
      this.#options.log.warn(
        { ...facts, reason: to.reason, delayMs: to.delayMs },
        "reflector changed its state",
      );
    } else {
      this.#options.log.debug(facts, "reflector changed its state");
    }
  }

  async #list(signal: AbortSignal): Promise<ReflectorStep> {
    const seen = new Set<string>();
    let resourceVersion = "";
    const request = {
      path: this.#path(),
      query: this.#selectors(),
      accept: this.#accept("list"),
      pageSize: this.#options.pageSize ?? 500,
    };
    try {
      for await (const page of listPages(this.#options.connection, request, signal)) {
        for (const item of page.items ?? []) {
          // Items of a list carry no kind of their own.
          seen.add(
            this.#set({ ...this.#typeMeta(), ...item }, item.metadata.resourceVersion ?? ""),
          );
        }
        resourceVersion = page.metadata.resourceVersion;
      }
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "failed", cause: causeOf(error) };
    }
    for (const key of this.keys()) if (!seen.has(key)) this.#delete(key);
    this.#tellSynced();
    return { kind: "listed", resourceVersion };
  }

  async #watch(from: string, signal: AbortSignal): Promise<ReflectorStep> {
    const startedMs = this.#clock.monotonic();
    let resourceVersion = from;
    let brought = 0;
    const watchdog = new Watchdog(this.#clock, this.#options.silenceMs ?? 90_000, signal);
    const end = (cause: Cause): ReflectorStep => {
      const lastedMs = this.#clock.monotonic() - startedMs;
      const progress = brought > 0 || lastedMs >= healthyMs ? "some" : "none";
      return { kind: "ended", cause, resourceVersion, progress };
    };
    try {
      for await (const line of this.#lines(from, watchdog.signal)) {
        watchdog.feed();
        const event = parseWatchEvent(line);
        if (event.type === "garbage") return end({ why: "garbage", line });
        if (event.type === "error") return end(causeOf(watchError(this.#path(), event)));
        if (event.type === "set") this.#set(event.object, event.resourceVersion);
        if (event.type === "deleted") this.#delete(objectKey(event.object.metadata));
        resourceVersion = event.resourceVersion;
        brought++;
      }
      return end({ why: "closed" });
    } catch (error) {
      signal.throwIfAborted();
      return end(watchdog.fired ? { why: "silent" } : causeOf(error));
    } finally {
      watchdog.dismiss();
    }
  }

  #lines(resourceVersion: string, signal: AbortSignal): AsyncGenerator<string, void> {
    return this.#options.connection.lines(
      {
        path: this.#path(),
        query: {
          ...this.#selectors(),
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion,
          // 5 to 10 minutes, so that watches of a fleet do not end together.
          timeoutSeconds: Math.round(300 + 300 * this.#random()),
        },
        accept: this.#accept("watch"),
      },
      signal,
    );
  }

  #set(object: KubeObject, resourceVersion: string): string {
    const key = objectKey(object.metadata);
    const before = this.#objects.get(key);
    if (before?.resourceVersion === resourceVersion) return key; // seen: a new list after a break
    const projected = this.#projectOf(object);
    if (projected === undefined) return key;
    const { value } = projected;
    this.#objects.set(key, { resourceVersion, value });
    const change = { type: "set", key, value } as const;
    this.#options.onChange?.(before === undefined ? change : { ...change, before: before.value });
    return key;
  }

  /** One object that nobody foresaw must not end the copy of all others. */
  #projectOf(object: KubeObject): { readonly value: T } | undefined {
    try {
      return { value: this.#options.project(object) };
    } catch (err) {
      const ref = objectKey(object.metadata);
      this.#options.log.error({ ref, err }, "object cannot be read; what was read before stays");
      return undefined;
    }
  }

  #delete(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#options.onChange?.({ type: "deleted", key, before: before.value });
  }

  #path(): string {
    return collectionPath(this.#options.resource, this.#options.namespace);
  }

  #selectors(): Record<string, string | undefined> {
    const { labelSelector, fieldSelector } = this.#options;
    return { labelSelector, fieldSelector };
  }

  #typeMeta() {
    const { resource } = this.#options;
    return { apiVersion: apiVersion(resource), kind: resource.kind };
  }

  #accept(what: keyof typeof metadataOnly): string {
    return this.#options.metadataOnly === true ? metadataOnly[what] : "application/json";
  }
}

function watchError(path: string, event: { status: number; message: string }): KubeError {
  const reason = event.status === 410 ? "Expired" : "Unknown";
  return new KubeError(`GET ${path}?watch`, { ...event, reason });
}

/** Aborts `signal` when it has not been fed for `limitMs`. */
class Watchdog {
  readonly signal: AbortSignal;
  /** Written by #guard only. */
  fired = false;
  /** Written by feed only. */
  #fedMs: number;
  readonly #clock: Clock;
  readonly #dismissed = new AbortController();
  readonly #timeout = new AbortController();

  constructor(clock: Clock, limitMs: number, outer: AbortSignal) {
    this.#clock = clock;
    this.#fedMs = clock.monotonic();
    this.signal = AbortSignal.any([outer, this.#timeout.signal]);
    const until = AbortSignal.any([outer, this.#dismissed.signal]);
    this.#guard(limitMs, until).catch(() => {}); // dismissed or aborted: its normal end
  }

  feed(): void {
    this.#fedMs = this.#clock.monotonic();
  }

  dismiss(): void {
    this.#dismissed.abort();
  }

  async #guard(limitMs: number, until: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#fedMs + limitMs - this.#clock.monotonic();
      if (leftMs <= 0) break;
      await this.#clock.sleep(leftMs, until);
    }
    this.fired = true;
    this.#timeout.abort(new Error(`nothing received for ${limitMs} ms`));
  }
}
