import { BoundedMap } from "@guardbee/kube";
import type { Mode } from "@guardbee/policy";
import { Digests, type Holdings } from "./digests.ts";
import { hashFor, isInWave, type NodeSetsEntry, type SetEntry } from "./objects.ts";

const maxModes = 2_048;

/** What nodes hold, read from the digests that they report; and in which mode a content is. */
export class NodeHoldings {
  readonly #set: (name: string) => SetEntry | undefined;
  readonly #digests = new Digests();
  /** Hash → mode, of contents seen lately. Written by remember. */
  readonly #modes = new BoundedMap<string, Mode>(maxModes);

  /** `set`: the SelectorSet of that name as it is now. */
  constructor(set: (name: string) => SetEntry | undefined) {
    this.#set = set;
  }

  /** Name → hash of all that a node holds; undefined: it has not reported, or nobody can tell. */
  of(nodeSets: NodeSetsEntry | undefined): Holdings | undefined {
    const report = nodeSets?.report;
    if (report?.digest === undefined) return undefined;
    // Asked for each policy of each node: hundreds of sets are gone through only when they must be.
    const expected = () => this.#expected(nodeSets!.sets, nodeSets!.node);
    return this.#digests.read(report.digest, expected, report.exceptions);
  }

  modeOf(hash: string): Mode | undefined {
    return this.#modes.get(hash);
  }

  remember({ hash, mode, rollout }: SetEntry): void {
    for (const one of [rollout?.previous, { hash, mode }]) {
      if (one !== undefined) this.#modes.set(one.hash, one.mode);
    }
  }

  /** Makes known what nodes of this set are to hold from now on, before the first one reports it. */
  expectAnew(setName: string, nodes: readonly NodeSetsEntry[]): void {
    const expected = new Map<string, Holdings>();
    for (const { sets, node } of nodes) {
      if (!sets.includes(setName)) continue;
      const turns = sets.filter((name) => isInWave(name, this.#set(name)?.rollout, node));
      const key = `${sets.join(" ")}\n${turns.length === sets.length ? "" : turns.join(" ")}`;
      if (!expected.has(key)) expected.set(key, this.#expected(sets, node));
    }
    for (const holdings of expected.values()) this.#digests.expect(holdings);
  }

  #expected(names: readonly string[], node: string): Holdings {
    const expected = new Map<string, string>();
    for (const name of names) {
      const set = this.#set(name);
      if (set !== undefined) expected.set(name, hashFor(set, node));
    }
    return expected;
  }
}
