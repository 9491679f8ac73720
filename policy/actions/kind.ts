import type { TObject, TProperties } from "typebox";
import type { ArgTable } from "../lower/args.ts";
import type { Report } from "../lower/report.ts";
import type { Problem } from "../problem.ts";
import type { ActionSpec } from "../schema/action.ts";

/** Everything that the language knows of one action: an entry of `actionKinds`. */
export type ActionKind<A extends { readonly action: string } = { readonly action: string }> = {
  /** Of the action in a SelectorSet. */
  readonly schema: TObject<TProperties>;
  /** Upstream's fields beside `action` that a policy may give it; all others are refused. */
  readonly fields: readonly (keyof ActionSpec)[];
  /** Fields that upstream has not, which a policy may give it, too: `lower` takes ActionSpec & these. */
  readonly ownFields?: TProperties;
  /** Whether it stops something, and is therefore left out in monitor mode. */
  readonly stops: boolean;
  /** It may be done when a call has returned, in matchReturnActions. */
  readonly atReturn?: true;
  /** No policy names it: its hooks are made of something else. */
  readonly unnamed?: true;
  /** Policies of one namespace have it not: it acts in the name of the node. */
  readonly ofCluster?: true;
  /** Of those that a selector has at most once, because a second one could change nothing. */
  once?(action: A): boolean;
  /** One of matchActions; undefined when it was refused, which `report` says. */
  lower(report: Report, spec: ActionSpec, place: ActionPlace): A | undefined;
  /** What comes of it when it is carried out. */
  effect(action: A): Effect;
  /** Position of the argument whose descriptor must be followed for its hook to act at all. */
  needsFollowed?(action: A): number;
  /** In a few words for people: `Signal 15`. */
  describe(action: A): string;
  /** Test support: those that such a hook may have. */
  samples(hook: SampleHook): readonly A[];
};

export type ActionPlace = {
  readonly at: string;
  readonly table: ArgTable;
  /** Of a policy of one namespace. */
  readonly namespaced: boolean;
  /** Why nothing can be overridden here; undefined: it can. */
  readonly noOverride?: Pick<Problem, "kind" | "what" | "fix"> | undefined;
  /** In matchReturnActions. */
  readonly whenReturned?: true;
  /** Events of the hook have fields for stacks. */
  readonly traces?: true;
  /** Arguments may be where the program reads them again. */
  readonly writes?: boolean;
  /** The hook is asked about a file that the kernel can hash. */
  readonly hashes?: boolean;
};

/** What an action does beside its event. */
export type Effect = {
  /** The process gets this signal. */
  readonly signal?: number;
  /** The call does not run, and returns -override. */
  readonly override?: number;
  /** No event is reported. */
  readonly silent?: true;
  /** What the enforcers of the policy do when the thread makes its next call of theirs. */
  readonly notice?: Notice;
  /** What the policy has left so for the thread is left no more. */
  readonly forgetsNotice?: true;
  /** It does what was left for it so; `overrides`: also return an error. */
  readonly enforces?: { readonly overrides: boolean };
  /** Position of the argument whose open file is followed from the next call on. */
  readonly follow?: number;
  /** Position of the socket whose events are about this process from then on, or no longer. */
  readonly track?: number;
  readonly untrack?: number;
  /** Position of the argument that the program finds changed. */
  readonly writes?: number;
  /** What the agent asks of others when it gets the event. */
  readonly request?: Request;
};

/** 0: no signal, and no error. The call returns -error. */
export type Notice = { readonly signal: number; readonly error: number };

/** A GET of an address, whose answer is not looked at, or a look-up of a name. */
export type Request =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "name"; readonly fqdn: string };

/** Where `samples` are for: argument 0 is a descriptor, and with `follow` argument 1 its file. */
export type SampleHook = {
  readonly canOverride: boolean;
  readonly ends?: "follow" | "unfollow";
  /** Position of a socket; absent: there is none. */
  readonly sock?: number;
  /** For when the call has returned: of the actions that may be done then. */
  readonly whenReturned?: true;
  /** Its events may have stacks. */
  readonly canTrace?: true;
};
