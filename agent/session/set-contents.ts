import { type Clock, type KubeObject, Loop, type NextStep } from "@guardbee/kube";
import {
  contentFor,
  type ObjectSets,
  parseSetObject,
  type UnusableObject,
} from "@guardbee/policy/sets";
import type { Logger } from "pino";

/** One revision of a SelectorSet object: its generation grows with each change of its spec. */
export type Revision = { readonly uid: string; readonly generation: number };

/** A revision as the metadata watch saw it. */
export type SeenRevision = Revision & { readonly resourceVersion: string };

/** What was read of one SelectorSet object, and at which revision. */
export type SetContent = Revision &
  (
    | { readonly state: "read"; readonly object: ObjectSets }
    /** The object is there and no sets can be made of it. */
    | ({ readonly state: "unusable" } & UnusableObject)
  );

export type SetContentsOptions = {
  /** Revisions wanted now, by name; those without one are not fetched. */
  readonly wanted: () => ReadonlyMap<string, SeenRevision>;
  /** The object, no older than this version, or undefined when it is gone. */
  readonly fetch: (
    object: { readonly name: string; readonly resourceVersion: string },
    signal: AbortSignal,
  ) => Promise<KubeObject | undefined>;
  /** Every object there is, in pages. */
  readonly list: (signal: AbortSignal) => AsyncIterable<readonly KubeObject[]>;
  /** How many objects there are. */
  readonly count: () => number;
  /** From the disk of an earlier run. */
  readonly contents: ReadonlyMap<string, SetContent>;
  readonly onChange: () => void;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
};

const FETCHES_MAX = 8;
/** As many as this, and a quarter of all there are: one list costs the API server less. */
const LIST_MIN = 16;
const LIST_SHARE = 4;
/** Of those that cannot be fetched, how many the log names. */
const NAMED_MAX = 5;

/**
 * Contents of SelectorSets, fetched when the revision on hand is not the one the metadata watch
 * saw. Until the new one is here the old one stays: an edit never opens a gap. A node that has next
 * to nothing lists them all instead: hundreds of requests a node, when a whole fleet is new, are
 * more than an API server answers.
 */
export class SetContents {
  readonly #options: SetContentsOptions;
  readonly #loop: Loop;
  /** By name. Written by `#enter` and `keep`. */
  readonly #contents: Map<string, SetContent>;

  constructor(options: SetContentsOptions) {
    this.#options = options;
    const { clock, log } = options;
    const failure = "SelectorSets cannot be fetched";
    this.#loop = new Loop({ step: (signal) => this.#fetchStale(signal), failure, clock, log });
    this.#contents = new Map(options.contents);
  }

  get(name: string): SetContent | undefined {
    return this.#contents.get(name);
  }

  /** Forgets all but these. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#contents.keys()) if (!names.has(name)) this.#contents.delete(name);
  }

  /** `wanted` may have changed. */
  poke(): void {
    this.#loop.wake();
  }

  /** Whether all that is wanted is here, or cannot be had for now. */
  settled(): boolean {
    return this.#loop.failures > 0 || this.#stale().length === 0;
  }

  /** Fetches what is stale until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  #stale(): string[] {
    return [...this.#options.wanted()].flatMap(([name, { uid, generation }]) => {
      const content = this.#contents.get(name);
      return content?.uid === uid && content.generation >= generation ? [] : [name];
    });
  }

  /** All are settled before anybody is told, so that one wave is one change. */
  async #fetchStale(signal: AbortSignal): Promise<NextStep> {
    const stale = this.#stale();
    if (stale.length === 0) return {};
    const many = stale.length >= LIST_MIN && stale.length * LIST_SHARE >= this.#options.count();
    try {
      if (many) await this.#fetchAll(new Set(stale), signal);
      else await this.#fetchEach(stale, signal);
    } finally {
      if (!signal.aborted) this.#options.onChange();
    }
    return {};
  }

  async #fetchAll(names: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for await (const page of this.#options.list(signal)) {
      for (const object of page) if (names.has(object.metadata.name)) this.#enter(object);
    }
    await this.#fetchEach(this.#stale(), signal); // what changed since the list began
  }

  /** Throws when some cannot be fetched, after all were tried. */
  async #fetchEach(names: readonly string[], signal: AbortSignal): Promise<void> {
    const left = [...names];
    const failed: { readonly name: string; readonly error: unknown }[] = [];
    const fetchNext = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        try {
          await this.#fetch(name, signal);
        } catch (error) {
          signal.throwIfAborted();
          failed.push({ name, error });
        }
      }
    };
    await Promise.all(Array.from({ length: FETCHES_MAX }, fetchNext));
    if (failed.length > 0) throw unfetched(failed);
  }

  async #fetch(name: string, signal: AbortSignal): Promise<void> {
    const seen = this.#options.wanted().get(name);
    if (seen === undefined) return; // no longer wanted
    const { resourceVersion } = seen;
    const object = await this.#options.fetch({ name, resourceVersion }, signal);
    if (object !== undefined) this.#enter(object); // else the metadata watch will say so
  }

  #enter(object: KubeObject): void {
    const { name } = object.metadata;
    const content = readContent(object, this.#options.nodeName);
    if (content.state === "unusable") {
      this.#options.log.error(
        { set: name, message: content.message },
        "SelectorSet cannot be used",
      );
    }
    this.#contents.set(name, content);
  }
}

function unfetched(failed: readonly { readonly name: string; readonly error: unknown }[]): Error {
  const names = failed.slice(0, NAMED_MAX).map(({ name }) => name);
  const more = failed.length > NAMED_MAX ? ` and ${failed.length - NAMED_MAX} more` : "";
  return new Error(`${names.join(", ")}${more}`, { cause: failed[0]?.error });
}

function readContent(object: KubeObject, nodeName: string): SetContent {
  const { name, uid = "", generation = 0 } = object.metadata;
  const parsed = parseSetObject(name, contentFor(nodeName, name, object.spec));
  return "sets" in parsed
    ? { uid, generation, state: "read", object: parsed }
    : { uid, generation, state: "unusable", ...parsed };
}
