import type { SelectorSet } from "@guardbee/policy";

/** What a node's kernel should hold: every set, and where each is in force. */
export type Desired = {
  readonly sets: readonly NamedSet[];
  readonly scopes: Scopes;
};

/** One set of a SelectorSet object, under a name of its own, with the content hash of the object. */
export type NamedSet = {
  readonly name: string;
  readonly hash: string;
  readonly set: SelectorSet;
  /** Where there is no room for all, it goes after every set that does not. */
  readonly yields?: true;
};

/** Names of the sets that hold, by where a process lives. Lists are sorted. */
export type Scopes = {
  /** Processes that are below no cgroup named below. */
  readonly host: readonly string[];
  /** Folders in which kubelet makes pods (`kubepods`). */
  readonly podRoots: readonly PodRoot[];
  /** Processes below one of `podRoots` and none of `cgroups`: of pods that are not known. */
  readonly unknownPods: readonly string[];
  /** Pods and containers that are known. A process belongs to the nearest that it is below. */
  readonly cgroups: readonly CgroupScope[];
};
export type PodRoot = {
  readonly id: bigint;
  /** How deep it is below the root of all cgroups, where that is known. */
  readonly level?: number;
  /** The folders of QoS classes in it, where pods are, too. */
  readonly qosFolders?: readonly bigint[];
};
export type CgroupScope = {
  /** Inode number of the cgroup v2 folder. */
  readonly id: bigint;
  readonly sets: readonly string[];
};

/** A root folder in a container, as the agent can reach it, and the sets that hold there. */
export type FileRoot = {
  readonly path: string;
  /** Inode number of the container's cgroup v2 folder. */
  readonly cgroup: bigint;
  readonly sets: readonly string[];
};

/** Why hooks of a set on a program's file see nothing in a container; `cgroup` 0n: on the node. */
export type UnhookedFile = {
  readonly cgroup: bigint;
  readonly set: string;
  readonly message: string;
};

/** What became of one set. A set that failed is in force nowhere on this node, not even in part. */
export type SetState =
  | {
      readonly name: string;
      readonly hash: string;
      readonly state: "programmed";
      /** How each hook is attached: `fentry:fd_install`, `fmod_ret:__x64_sys_write`. */
      readonly attachments: readonly string[];
    }
  | FailedState;

export type FailedState = Refusal & {
  readonly name: string;
  readonly hash: string;
  readonly state: "failed";
};

/**
 * What a call came to. `programmed`: the kernel holds what was desired, less what it refused. `kept`:
 * it refused spared sets, and holds what it did before.
 */
export type Programmed =
  | { readonly kind: "programmed"; readonly states: readonly SetState[] }
  | { readonly kind: "kept"; readonly refused: readonly FailedState[] };

/** Why a set is in force nowhere on this node. */
export type Refusal = {
  readonly reason: FailureReason;
  readonly message: string;
  /** The cause may be gone at the next try: the kernel was busy, or short of memory. */
  readonly mayPass?: true;
};

/**
 * KernelLacks: this kernel has not what the policy needs. HookNotFound: no such function here.
 * LoadFailed: the kernel refused the program. LimitExceeded: a stated limit of the engine, by itself.
 * NoRoom: the same limit, because of policies that go before it. NotAllowed: this agent was not told
 * that it may do what the policy asks of it.
 */
export type FailureReason =
  | "KernelLacks"
  | "HookNotFound"
  | "LoadFailed"
  | "LimitExceeded"
  | "NoRoom"
  | "NotAllowed";

/** What the kernel can do, for NodePolicySet.status and for refusals. */
export type KernelFeatures = {
  readonly release: string;
  readonly arch: string;
  /** Sorted, of those that agent/attach and kernel/features.ts ask for: btf, fentry, kprobe... */
  readonly features: readonly string[];
};

/** Calls that matched an action that stops, by what became of them. The kernel counts, events or not. */
export type StopCounts = {
  /** Its process was sent a signal, or its return value overridden. */
  readonly stopped: number;
  /** As `stopped`, were it not for monitor mode. */
  readonly wouldStop: number;
  /** Let go, because its process is a part of the node itself. */
  readonly ofProtected: number;
};

/** Events of one selector that this agent has read since its hook was programmed. */
export type SelectorReports = {
  /** Of the set, and of the hook. */
  readonly hookIndex: number;
  readonly selectorIndex: number;
  readonly reported: number;
  /** Of those, of calls that were stopped, or were it not for monitor mode would have been. */
  readonly stopped: number;
  readonly wouldStop: number;
};

/** What the policies of one set have done. */
export type SetCounts = StopCounts & { readonly selectors?: readonly SelectorReports[] };

/** Of one set: `hash` is the content in force. */
export type SetStops = SetCounts & { readonly hash: string };

/** Calls that one program did not see since it was attached: the kernel skipped it. */
export type MissedCalls = {
  /** As in `attachments`; a program of the agent's own tracking by its name. */
  readonly attachment: string;
  /** Another when the program was attached anew, and counts anew. */
  readonly id: number;
  /** The program was active on that processor already, or what the kernel runs one of at a time. */
  readonly program: number;
  /** A kprobe was hit inside of another. */
  readonly link: number;
  /** Sets that may not have stopped what they should because of it, by name. */
  readonly sets: readonly string[];
};

/**
 * What was found other than it was made. pin: a pin is gone, or is another object's. table, scope,
 * state: entries of maps, those of policies, which cgroup is in which scope, which tables are in
 * force. protected: the list of the node's services. agent: the mark of the agent's own process.
 * switch: a setting of the kernel keeps programs from running.
 */
export const differenceKinds = [
  ...(["pin", "table", "scope", "state", "protected", "agent", "switch"] as const),
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/**
 * Something that was changed or removed by other means than ours. `programmable`: the next call of
 * `program` repairs it, whatever it is given. `failed`: `message` says why it could not be repaired.
 */
export type Difference = {
  readonly kind: DifferenceKind;
  readonly what: string;
  /** Names of the sets that may not hold because of it; undefined: all. */
  readonly sets?: readonly string[];
} & (
  | { readonly state: "repaired" | "programmable" }
  | { readonly state: "failed"; readonly message: string }
);

/** A process that was taken out of its pod's cgroup, or started outside of its parent's pod. */
export type Move = {
  /** Ids of cgroups. */
  readonly from: bigint;
  readonly to: bigint;
  readonly pid: number;
  /** Pid of who moved it. */
  readonly mover: number;
  /** What the processes call themselves, which anybody may choose. */
  readonly name: string;
  readonly moverName: string;
};

export type Moves = {
  readonly count: number;
  /** Of all that were counted the last sixteen, or all; the latest is the last. */
  readonly last: readonly Move[];
  /** Why none is noted now: the kernel refuses the programs that would. */
  readonly unseen?: string;
};

/** How often the kernel was found other than it was made, by what was other. */
export type TamperCounts = Readonly<
  Record<DifferenceKind, { readonly found: number; readonly repaired: number }>
>;

/** Programs one node's kernel. Calls are serialised; each is level-based: give the whole state. */
export type Engine = {
  features(): KernelFeatures;
  /**
   * Makes the kernel hold exactly `desired`, less what it refuses, in one flip; or nothing changes,
   * when it refuses a set of `spared`, of which the caller has another version. `before`: what an
   * earlier agent had in force, for the first call: where there is no room for all, that counts.
   * Throws only on a bug or a dead kernel.
   */
  program(
    desired: Desired,
    spared?: ReadonlySet<string>,
    before?: readonly NamedSet[],
  ): Promise<Programmed>;
  /**
   * What those of `sets` that are in force have stopped since this content of them came into this
   * kernel, also while no agent ran; by name. Throws KernelError.
   */
  stops(sets: ReadonlySet<string>): ReadonlyMap<string, SetStops>;
  /** Moves cgroups to other sets without touching any policy; ends with the kernel changed. */
  assign(scopes: Scopes): Promise<void>;
  /**
   * Attaches hooks on programs' files in containers, of which `roots` are all. What could not be, with
   * the node's own files, is what it ends with. What has no such file lacks nothing.
   */
  hookFiles(roots: readonly FileRoot[]): Promise<readonly UnhookedFile[]>;
  /** Cgroups that an agent before this one had assigned, where this one goes on with what it left. */
  assignedBefore(): ReadonlySet<bigint>;
  /** Of each program in force. Throws KernelError. */
  misses(): readonly MissedCalls[];
  /**
   * Compares what the kernel holds with what it was given, as far as somebody else can have changed
   * it, and repairs what it can. Gives what was other. Throws KernelError.
   */
  check(): Promise<readonly Difference[]>;
  /**
   * What its rings and maps had no room for since they were made: how often, by cause. Throws
   * KernelError.
   */
  lost(): ReadonlyMap<string, number>;
  /** Who took more than its share of them. Throws KernelError. */
  crowding(): Crowding;
  /** What took processes out of their pods since process tracking was loaded. Throws KernelError. */
  moves(): Moves;
  /** Cgroups of the last scopes that the kernel's table did not take, and the error's code. */
  unassigned(): ReadonlyMap<bigint, string>;
  /**
   * Pods, by cgroup (0n: all that is in none), with files that sets in force were to follow and there
   * was no room for. Throws KernelError.
   */
  unfollowed(): ReadonlyMap<bigint, Unfollowed>;
};

/** By cause of a loss the pods, by cgroup, that had their share of the ring or map; 0n: what is in none. */
export type Crowding = ReadonlyMap<string, readonly bigint[]>;

/** Files of one pod that could not be followed; both only count up. */
export type Unfollowed = {
  /** The pod had as many followed files open as a pod may. */
  readonly overShare: number;
  /** The node's table was full. */
  readonly overTable: number;
  /** Names of the sets that were to follow some of them. */
  readonly sets: readonly string[];
};
