import type {
  Crowding,
  Desired,
  Difference,
  Engine,
  KernelFeatures,
  MissedCalls,
  Moves,
  NamedSet,
  Programmed,
  SetState,
  SetStops,
  Unfollowed,
} from "../../agent/engine.ts";

/** Policies of this name cannot be loaded anywhere, for a long reason. */
export const unloadable = "tracingpolicy.unloadable";

/** States are the same on every node, so all nodes share them: this is a fleet in one process. */
const programmed = new Map<string, SetState>();

/** A kernel that holds at once what it is given. */
export class FakeKernel implements Engine {
  readonly #features: KernelFeatures;
  /** Written by program. */
  #sets: readonly NamedSet[] = [];

  constructor(release: string) {
    this.#features = { release, arch: "x86_64", features: ["btf", "fentry", "kprobe", "lsm"] };
  }

  features(): KernelFeatures {
    return this.#features;
  }

  /** `name hash` of every set that it was given last, sorted. */
  held(): readonly string[] {
    return this.#sets.map(({ name, hash }) => `${name} ${hash}`).sort();
  }

  async program({ sets }: Desired): Promise<Programmed> {
    this.#sets = sets;
    return { kind: "programmed", states: sets.map((set) => this.#stateOf(set)) };
  }

  async hookFiles(): Promise<readonly []> {
    return [];
  }

  async assign(): Promise<void> {}

  assignedBefore(): ReadonlySet<bigint> {
    return new Set();
  }

  async check(): Promise<readonly Difference[]> {
    return [];
  }

  lost(): ReadonlyMap<string, number> {
    return new Map();
  }

  crowding(): Crowding {
    return new Map();
  }

  moves(): Moves {
    return { count: 0, last: [] };
  }

  unassigned(): ReadonlyMap<bigint, string> {
    return new Map();
  }

  unfollowed(): ReadonlyMap<bigint, Unfollowed> {
    return new Map();
  }

  misses(): readonly MissedCalls[] {
    return [];
  }

  stops(): ReadonlyMap<string, SetStops> {
    return new Map();
  }

  #stateOf({ name, hash }: NamedSet): SetState {
    if (name === unloadable) {
      const message = `${this.#features.release}: the verifier says ${"no ".repeat(400)}`;
      return { name, hash, state: "failed", reason: "LoadFailed", message };
    }
    const key = `${name} ${hash}`;
    const known = programmed.get(key);
    if (known !== undefined) return known;
    const attachments = ["fentry:fd_install"];
    const state: SetState = { name, hash, state: "programmed", attachments };
    programmed.set(key, state);
    return state;
  }
}
