import type { Mode } from "@guardbee/policy";
import { hashSets } from "@guardbee/policy/sets";
import type { NamedSet, SetCounts, SetState } from "../engine.ts";

/** What a policy on this node is at. */
export type PolicyState = "enabled" | "disabled" | "load_error" | "error" | "loading" | "unloading";

/** A policy on this node, wherever it came from. */
export type ListedPolicy = {
  readonly id: number;
  readonly domain: string;
  readonly namespace: string;
  readonly name: string;
  readonly state: PolicyState;
  /** Why it is not in force; empty: it is, or is not meant to be. */
  readonly error: string;
  /** What of it is not as its source has it; empty: nothing. */
  readonly info: string;
  readonly mode: Mode;
  /** Absent: its text could not be read. */
  readonly set?: NamedSet;
  readonly stops?: SetCounts;
};

/** Names one policy on this node. */
export type PolicyAt = {
  readonly domain: string;
  readonly namespace: string;
  readonly name: string;
};

/** Why something was not done. `wrong`: what was asked for makes no sense; `failed`: the kernel does not take it. */
export type NotDone = {
  readonly kind: "wrong" | "exists" | "absent" | "state" | "failed";
  readonly message: string;
};

/** Of each set in each other mode there is one: whoever compiles it finds what was compiled. */
const inModes = new WeakMap<NamedSet, Map<Mode, NamedSet>>();

/** A set in another mode is another content. */
export function inMode(named: NamedSet, mode: Mode | undefined): NamedSet {
  if (mode === undefined || mode === named.set.mode) return named;
  const made = inModes.get(named) ?? new Map<Mode, NamedSet>();
  inModes.set(named, made);
  const known = made.get(mode);
  if (known !== undefined) return known;
  const set = { ...named.set, mode };
  const changed = { ...named, hash: hashSets([set]), set };
  made.set(mode, changed);
  return changed;
}

export function stateOf(state: SetState | undefined): PolicyState {
  if (state === undefined) return "loading";
  return state.state === "programmed" ? "enabled" : "load_error";
}

export function absent({ domain, namespace, name }: PolicyAt): NotDone {
  const whole = namespace === "" ? name : `${namespace}/${name}`;
  return { kind: "absent", message: `there is no policy ${whole} in domain ${domain}` };
}

export function sameState({ name }: PolicyAt, enabled: boolean): NotDone {
  return {
    kind: "state",
    message: `policy ${name} is ${enabled ? "enabled" : "disabled"} already`,
  };
}
