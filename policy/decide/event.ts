import type { HookPoint } from "../selector-set.ts";

/** One call as a hook sees it, before it runs: all that a decision depends on. */
export type HookCall = {
  readonly on: HookPoint;
  readonly process: Process;
  /** Names of the sets in whose scope the process is; see `inScope`. */
  readonly holds: ReadonlySet<string>;
  /** By index of the call's own parameters. */
  readonly parameters: readonly Parameter[];
  /** The process's open descriptors. */
  readonly descriptors: ReadonlyMap<number, OpenFile>;
};

export type Process = {
  /** Of the thread group, in the host's pid namespace. */
  readonly pid: number;
  /** Its parent first. */
  readonly ancestors: readonly number[];
  /** In its own pid namespace; 0: that is the host's. */
  readonly nspid: number;
  /** Pids in that namespace of its ancestors, its parent first, as far as they live in it. */
  readonly nsAncestors: readonly number[];
  /** The executable's path; undefined: not known. */
  readonly binary?: string;
  readonly capabilities: Readonly<Record<"effective" | "permitted" | "inheritable", bigint>>;
  readonly inHostUserNamespace: boolean;
  /** A part of the node itself (kubelet, runtime, agent): never killed or denied. */
  readonly isProtected: boolean;
};

/** An open file description: what dup'd and inherited descriptors share. */
export type OpenFile = {
  readonly id: number;
  /** undefined: it has none (a pipe, a socket), or it cannot be told. */
  readonly path?: string;
  /** How many descriptors refer to it, of all processes. */
  readonly references: number;
};

export type Parameter =
  /** As the register holds it: 64 bits, unsigned. */
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "file"; readonly file: OpenFile }
  /** undefined: it cannot be read. */
  | { readonly kind: "buffer"; readonly bytes?: Uint8Array };
