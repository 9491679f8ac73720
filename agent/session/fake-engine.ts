import type {
  Crowding,
  Desired,
  Difference,
  Engine,
  MissedCalls,
  Moves,
  NamedSet,
  Programmed,
  Scopes,
  SetState,
  SetStops,
  Unfollowed,
  UnhookedFile,
} from "../engine.ts";

/** An engine that remembers what it was told; sets that `lacks` or `failing`, by name or hash, fail. */
export class FakeEngine implements Engine {
  readonly #lacks: (set: NamedSet) => boolean;
  readonly calls: ({ program: readonly string[] } | "assign")[] = [];
  readonly failing = new Set<string>();
  readonly busy = new Set<string>();
  broken = false;
  /** Of its counts alone. */
  stopsBroken = false;
  /** What it came to hold, one after the other. */
  readonly programmed: Desired[] = [];
  /** What became of the sets that it was given last. */
  states: readonly SetState[] = [];
  scopes: Scopes | undefined;
  /** Cgroups that its table does not take. */
  readonly full = new Set<bigint>();
  before: ReadonlySet<bigint> = new Set();
  /** What it cannot attach to. */
  unhooked: readonly UnhookedFile[] = [];
  /** By pod's cgroup what it could not follow. */
  readonly lacking = new Map<bigint, Unfollowed>();
  #unassigned: ReadonlyMap<bigint, string> = new Map();
  /** What a check finds. */
  differences: readonly Difference[] = [];
  /** What the kernel has counted, by name of a set. */
  readonly stopped = new Map<string, SetStops>();

  /** What the kernel has skipped. */
  missed: readonly MissedCalls[] = [];
  /** What there was no room for. */
  readonly losses = new Map<string, number>();
  /** Whose it was. */
  readonly crowded = new Map<string, readonly bigint[]>();
  /** What was taken out of pods. */
  moved: Moves = { count: 0, last: [] };

  constructor(lacks: (set: NamedSet) => boolean = () => false) {
    this.#lacks = lacks;
  }

  get desired(): Desired | undefined {
    return this.programmed.at(-1);
  }

  features() {
    return { release: "6.12.0", arch: "x86_64", features: ["btf"] };
  }

  async program(desired: Desired, spared?: ReadonlySet<string>): Promise<Programmed> {
    this.calls.push({ program: desired.sets.map(({ name }) => name) });
    if (this.broken) throw new Error("bpf: EPERM");
    const states = desired.sets.map((set) => this.#stateOf(set));
    const failed = states.filter((state) => state.state === "failed");
    const refused = failed.filter(({ name }) => spared?.has(name));
    if (refused.length > 0) return { kind: "kept", refused };
    this.programmed.push(desired);
    this.states = states;
    this.#enter(desired.scopes);
    return { kind: "programmed", states };
  }

  #stateOf(set: NamedSet): SetState {
    const { name, hash } = set;
    const isIn = (some: ReadonlySet<string>) => some.has(name) || some.has(hash);
    if (isIn(this.failing) || this.#lacks(set)) {
      return { name, hash, state: "failed", reason: "KernelLacks", message: "no error injection" };
    }
    return isIn(this.busy)
      ? { name, hash, state: "failed", reason: "LoadFailed", message: "EAGAIN", mayPass: true }
      : { name, hash, state: "programmed", attachments: [] };
  }

  stops(sets: ReadonlySet<string>): ReadonlyMap<string, SetStops> {
    if (this.broken || this.stopsBroken) throw new Error("bpf: EPERM");
    return new Map([...this.stopped].filter(([name]) => sets.has(name)));
  }

  assignedBefore(): ReadonlySet<bigint> {
    return this.before;
  }

  misses(): readonly MissedCalls[] {
    if (this.broken) throw new Error("bpf: EPERM");
    return this.missed;
  }

  lost(): ReadonlyMap<string, number> {
    return this.losses;
  }

  crowding(): Crowding {
    return this.crowded;
  }

  moves(): Moves {
    return this.moved;
  }

  unassigned(): ReadonlyMap<bigint, string> {
    return this.#unassigned;
  }

  unfollowed(): ReadonlyMap<bigint, Unfollowed> {
    return new Map(this.lacking);
  }

  #enter(scopes: Scopes): void {
    const ids = [...scopes.podRoots, ...scopes.cgroups].map(({ id }) => id);
    this.#unassigned = new Map(ids.filter((id) => this.full.has(id)).map((id) => [id, "E2BIG"]));
    this.scopes = scopes;
  }

  async hookFiles(): Promise<readonly UnhookedFile[]> {
    return this.unhooked;
  }

  async check(): Promise<readonly Difference[]> {
    if (this.broken) throw new Error("bpf: EPERM");
    return this.differences;
  }

  async assign(scopes: Scopes): Promise<void> {
    this.calls.push("assign");
    this.#enter(scopes);
  }
}
