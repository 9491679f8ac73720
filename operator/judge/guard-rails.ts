import type { TurnOwner } from "@guardbee/kube";
import {
  type Action,
  argKind,
  type Condition,
  effectOf,
  isEnforcing,
  isRecord,
  type Mode,
  type Policy,
  type Problem,
  type Scope,
  type SelectorSet,
} from "@guardbee/policy";
import { parseScope } from "./parse-scope.ts";

/** What a guard rail did to a policy, for its status. */
export type GuardNote = {
  /** `builtin/NAME`, or the RegoPolicy. */
  readonly name: string;
  readonly effect: "refused" | "changed" | "warned";
  readonly message: string;
};

/** A policy that is otherwise accepted. */
export type GuardSubject = {
  readonly policy: Policy;
  readonly set: SelectorSet;
  /** A RegoPolicy of the cluster generates it, for whichever namespace, whose guard rails have no say in it. */
  readonly ofCluster?: boolean;
};

/** Whose a policy is: a namespace's, or the cluster's own. */
export function ownerOf({ set, ofCluster }: GuardSubject): TurnOwner {
  return ofCluster === true ? undefined : set.policy.namespace;
}

export type Guarded = {
  /** Why it is refused, each naming the guard rail; empty when it is not. */
  readonly problems: readonly Problem[];
  readonly mode: Mode;
  readonly scope: Scope;
  readonly notes: readonly GuardNote[];
};

/** Judges one policy; throws when a guard rail gives no answer: then nothing may change. */
export type Guard = (subject: GuardSubject, signal: AbortSignal) => Promise<Guarded>;

/** One guard rail, or several at once. */
export type Rail = {
  readonly name: string;
  /** Name of the rail → what it decided, for whose policy. Throws when there is no answer. */
  readonly decide: (
    input: GuardInput,
    signal: AbortSignal,
    owner: TurnOwner,
  ) => Promise<Readonly<Record<string, unknown>>>;
};

export type GuardInput = {
  readonly policy: Pick<Policy, "kind" | "metadata"> & { readonly spec: object };
  readonly facts: GuardFacts;
};

export type GuardFacts = {
  readonly ownNamespace: string;
  /** Namespace → labels; for a namespaced policy, its own alone. */
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly mode: Mode;
  readonly scope: Scope;
  /** Whether an action stops something and is in force in this mode. */
  readonly enforces: boolean;
  readonly narrowing: Narrowing;
  /** Built-in guard rails that are switched off. */
  readonly disabled: readonly string[];
};

/**
 * What the widest selector that stops something asks for: nothing, only that something is not so,
 * or that something is so (which includes descriptors that are followed).
 */
export type Narrowing = "none" | "negative" | "positive";

const maxNotes = 20;

/** Asks `rails` in turn; each sees what those before it made of the policy. */
export async function guardWith(
  rails: readonly Rail[],
  subject: GuardSubject,
  facts: Pick<GuardFacts, "ownNamespace" | "namespaces" | "disabled">,
  signal: AbortSignal,
): Promise<Guarded> {
  const { policy, set } = subject;
  let { mode, scope } = set;
  const problems: Problem[] = [];
  const notes: GuardNote[] = [];
  const { kind, metadata, spec } = policy;
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  const identity = { name, ...(namespace ? { namespace } : {}), labels, annotations };
  const seen = { kind, metadata: identity, spec };
  for (const rail of rails) {
    const narrowing = narrowingOf(set);
    const enforces = mode === "enforce" && enforcingSelectors(set).length > 0;
    const input = { policy: seen, facts: { ...facts, mode, scope, enforces, narrowing } };
    const decided = await rail.decide(input, signal, ownerOf(subject));
    const decisions = Object.entries(decided).sort(byName);
    for (const [by, raw] of decisions) {
      const decision = readDecision(raw, by);
      for (const problem of decision.deny) {
        problems.push({ ...problem, what: `${problem.what} (guard rail ${by})` });
        notes.push({
          name: by,
          effect: "refused",
          message: cut(`${problem.field}: ${problem.what}`),
        });
      }
      for (const message of decision.warn) notes.push({ name: by, effect: "warned", message });
      if (decision.mode === "monitor" && mode === "enforce") {
        notes.push({ name: by, effect: "changed", message: "mode: enforce to monitor" });
        mode = "monitor";
      }
      if (decision.scope === undefined) continue;
      const held = heldTo(set.policy.namespace, decision.scope);
      if (!held) throw new Error(`guard rail ${by}: gives a scope outside the policy's namespace`);
      const message = cut(`scope: ${JSON.stringify(decision.scope)}`);
      notes.push({ name: by, effect: "changed", message });
      scope = decision.scope;
    }
  }
  return { problems, mode, scope, notes: notes.slice(0, maxNotes) };
}

function heldTo(namespace: string | undefined, scope: Scope): boolean {
  if (namespace === undefined) return true;
  const namespaces = scope.pods?.namespaces;
  return !scope.host && namespaces?.length === 1 && namespaces[0] === namespace;
}

type Decision = {
  readonly deny: readonly Problem[];
  readonly warn: readonly string[];
  readonly mode?: "monitor";
  readonly scope?: Scope;
};

/** A decision that makes no sense is no answer: what it would have refused is not known. */
function readDecision(raw: unknown, by: string): Decision {
  const invalid = (what: string) => new Error(`guard rail ${by}: gives an invalid result: ${what}`);
  if (!isRecord(raw)) throw invalid("the decision is no object");
  const { deny = [], warn = [], mode, scope, ...rest } = raw;
  const [other] = Object.keys(rest);
  if (other !== undefined) throw invalid(`${other} is not known: deny, warn, mode, scope are`);
  if (!Array.isArray(deny) || !Array.isArray(warn)) throw invalid("deny or warn is no list");
  if (mode !== undefined && mode !== "monitor") throw invalid(`mode is ${String(mode)}`);
  const parsed = scope === undefined ? undefined : parseScope(scope);
  if (parsed?.ok === false) {
    throw invalid(parsed.problems.map(({ field, what }) => `${field} ${what}`).join(", "));
  }
  return {
    deny: deny.map(readDenial),
    warn: warn.map((one) => cut(typeof one === "string" ? one : JSON.stringify(one))),
    ...(mode === undefined ? {} : { mode }),
    ...(parsed?.ok === true ? { scope: parsed.value } : {}),
  };
}

/** Shown to a person whatever its form: a refusal must not be lost to a wrong type. */
function readDenial(raw: unknown): Problem {
  const given = isRecord(raw) ? raw : { what: typeof raw === "string" ? raw : JSON.stringify(raw) };
  const { field = "spec", what = "is refused", fix = "change the policy" } = given;
  return { field: String(field), what: cut(String(what)), fix: cut(String(fix)), kind: "invalid" };
}

/** See Narrowing; `positive` when nothing enforces. */
export function narrowingOf(set: SelectorSet): Narrowing {
  const order: readonly Narrowing[] = ["none", "negative", "positive"];
  const all = enforcingSelectors(set);
  return all.reduce<Narrowing>(
    (widest, one) => (order.indexOf(one) < order.indexOf(widest) ? one : widest),
    "positive",
  );
}

/** How narrow each selector is that stops something. */
function enforcingSelectors(set: SelectorSet): readonly Narrowing[] {
  const follow = followNarrowing(set);
  return set.hooks.flatMap(({ args, selectors }) => {
    const followed = args.some(({ type }) => argKind(type).asksFollowed) ? follow : "none";
    return selectors.flatMap(({ conditions, actions }, i) => {
      if (!actions.some(isStopping)) return [];
      if (followed === "positive") return [followed];
      return [isRest(conditions) && i > 0 ? "negative" : narrowness(conditions)];
    });
  });
}

/** What goes on with another number is not stopped. */
function isStopping(action: Action): boolean {
  return isEnforcing(action) && effectOf(action).writes === undefined;
}

/** Of what a set follows: then a hook with a descriptor acts for nothing else. */
function followNarrowing(set: SelectorSet): Narrowing {
  const following = set.hooks
    .flatMap(({ selectors }) => selectors)
    .filter(({ actions }) => actions.some((one) => effectOf(one).follow !== undefined))
    .map(({ conditions }) => narrowness(conditions));
  if (following.length === 0) return "none";
  return following.every((one) => one === "positive") ? "positive" : "none";
}

/** Of a list of programs the last: whatever the rules before it do not name. */
function isRest(conditions: readonly Condition[]): boolean {
  return conditions.length > 0 && conditions.every(sparesRuntimes);
}

/** That a runtime's own programs are left alone, which narrows nothing. */
function sparesRuntimes({ op }: Condition): boolean {
  return op === "StartsContainer";
}

function narrowness(all: readonly Condition[]): Narrowing {
  const conditions = all.filter((condition) => !sparesRuntimes(condition));
  if (conditions.length === 0) return "none";
  return conditions.every(({ op }) => op.startsWith("Not")) ? "negative" : "positive";
}

function cut(text: string): string {
  return text.length <= 512 ? text : `${text.slice(0, 511)}…`;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
