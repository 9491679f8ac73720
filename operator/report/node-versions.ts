import type { KubeObject } from "@guardbee/kube";
import { contentFor, type ObjectSets, parseSetObject, type UnusableObject } from "@guardbee/policy";
import { Digests, type Holdings } from "../fleet/digests.ts";
import { type NodeSetsEntry, projectNodeSets } from "../fleet/objects.ts";
import { lastReport } from "./last-report.ts";

/** One content of a SelectorSet object, as an agent would take it. */
export type Version = ObjectSets;

/**
 * What a node holds of a SelectorSet object.
 * - `version`: this content; one without sets is nothing.
 * - `nothing`: it is not to hold any, or could not take any version.
 * - `other`: a content of that hash, which is stored nowhere any more.
 * - `unknown`: its report does not tell, or there is none.
 */
export type Held =
  | { readonly kind: "version"; readonly version: Version }
  | { readonly kind: "nothing" }
  | { readonly kind: "other"; readonly hash: string }
  | { readonly kind: "unknown" };

/** What nodes that are looked at together share. */
export type Look = {
  readonly digests: Digests;
  /** Combinations of versions that a digest is compared with, when it is not the expected one. */
  readonly maxGuesses: number;
};

/** One look at so many nodes: each guess hashes all that a node is to hold. */
export function lookAt(nodeCount: number): Look {
  const maxGuesses = Math.min(64, Math.max(8, Math.floor(2_000 / nodeCount)));
  return { digests: new Digests(), maxGuesses };
}

/**
 * The versions of policies on one node: what it is to hold now, by the agent's own rule, and what
 * its report says that it holds. A report that is older than the last wave of a roll-out, or than
 * a new policy, is read as what the node was to hold before.
 */
export class NodeVersions {
  /** undefined: the operator has told the node nothing. */
  readonly entry: NodeSetsEntry | undefined;
  /** Name → hash of all that the node should hold now. */
  readonly expected: Holdings;
  /** Name → hash of all that its report stands for; undefined: it has none, or nobody can tell. */
  readonly holdings: Holdings | undefined;
  readonly #node: string;
  readonly #objects: ReadonlyMap<string, KubeObject>;

  /** `objects`: SelectorSets by name. */
  constructor(
    node: string,
    nodePolicySet: KubeObject | undefined,
    objects: ReadonlyMap<string, KubeObject>,
    look = lookAt(1),
  ) {
    this.#node = node;
    this.#objects = objects;
    this.entry = nodePolicySet && projectNodeSets(nodePolicySet);
    const listed = this.entry?.sets ?? [];
    this.expected = new Map(
      listed.flatMap((name) => (objects.has(name) ? [[name, hashOf(this.#content(name))]] : [])),
    );
    this.holdings = this.#read(nodePolicySet, look);
  }

  isListed(name: string): boolean {
    return this.entry?.sets.includes(name) === true;
  }

  /** What the node is to hold of an object now; unusable: its agent will refuse it. */
  wanted(name: string): Version | UnusableObject {
    return parseSetObject(name, this.#content(name));
  }

  /** The newest content of an object, whether or not its wave has come here. */
  newest(name: string): Version | UnusableObject {
    return parseSetObject(name, this.#objects.get(name)?.spec);
  }

  /** What the node holds of an object. */
  held(name: string): Held {
    if (!this.isListed(name)) return { kind: "nothing" };
    if (this.holdings === undefined) return { kind: "unknown" };
    const hash = this.holdings.get(name);
    if (hash === undefined) return { kind: "nothing" };
    const version = this.stored(name).find((one) => one.hash === hash);
    return version === undefined ? { kind: "other", hash } : { kind: "version", version };
  }

  /** Every version of an object that is stored: what the node is to hold first. */
  stored(name: string): readonly Version[] {
    const spec = this.#objects.get(name)?.spec;
    const contents = [this.#content(name), spec, previousOf(spec)];
    const versions = contents
      .map((content) => parseSetObject(name, content))
      .filter((one) => "sets" in one);
    return versions.filter((one, i) => versions.findIndex(({ hash }) => hash === one.hash) === i);
  }

  #content(name: string): unknown {
    return contentFor(this.#node, name, this.#objects.get(name)?.spec);
  }

  #read(raw: KubeObject | undefined, { digests, maxGuesses }: Look): Holdings | undefined {
    const report = this.entry?.report;
    if (report?.digest === undefined) return undefined;
    const { digest, exceptions } = report;
    const since = (raw && lastReport(raw)) ?? "";
    for (const guess of this.#guesses(since, maxGuesses)) {
      const holdings = digests.read(digest, () => guess, exceptions);
      if (holdings !== undefined) return holdings;
    }
    return undefined;
  }

  /** What is expected; then that with other versions of what has several, or is newer than `since`. */
  *#guesses(since: string, maxGuesses: number): Generator<Holdings, void> {
    yield this.expected;
    const open = [...this.expected.keys()]
      .map((name) => ({ name, hashes: this.#possible(name, since) }))
      .filter(({ hashes }) => hashes.length > 1);
    const count = open.reduce((product, { hashes }) => product * hashes.length, 1);
    for (let n = 1; n < Math.min(count, maxGuesses); n++) {
      const guess = new Map(this.expected);
      let rest = n;
      for (const { name, hashes } of open) {
        const hash = hashes[rest % hashes.length];
        rest = Math.floor(rest / hashes.length);
        if (hash === undefined) guess.delete(name);
        else guess.set(name, hash);
      }
      yield guess;
    }
  }

  /** Hashes of an object that a report of `since` may be about; undefined: none at all. */
  #possible(name: string, since: string): readonly (string | undefined)[] {
    const object = this.#objects.get(name);
    const { rollout } = (object?.spec ?? {}) as { readonly rollout?: object };
    const isNew = (object?.metadata.creationTimestamp ?? "") >= since;
    const hashes = [this.expected.get(name)];
    if (rollout !== undefined) {
      const before = contentFor(this.#node, name, { rollout: { ...rollout, share: 0 } });
      hashes.push(hashOf(object?.spec), hashOf(before));
    }
    if (isNew || rollout !== undefined) hashes.push(undefined);
    return [...new Set(hashes)];
  }
}

function hashOf(content: unknown): string {
  const { hash } = (content ?? {}) as { readonly hash?: unknown };
  return typeof hash === "string" ? hash : "";
}

function previousOf(spec: unknown): unknown {
  const { rollout } = (spec ?? {}) as { readonly rollout?: { readonly previous?: unknown } };
  return rollout?.previous ?? { hash: "", sets: undefined };
}
