import {
  type Action,
  defaultAction,
  effectOf,
  followsDescriptors,
  isEnforcing,
} from "../actions/index.ts";
import type { Effect, Notice } from "../actions/kind.ts";
import { argKind, argOperator } from "../args/index.ts";
import { holds } from "../conditions/index.ts";
import { isSameHookPoint } from "../hook-point.ts";
import { readReturned, returnedHolds } from "../returned.ts";
import type { Arg, Condition, Hook, Scope, SelectorSet } from "../selector-set.ts";
import { workloadsName } from "../workloads.ts";
import type { HookCall, Notices } from "./event.ts";
import {
  afterAction,
  type FollowState,
  isFollowed,
  isStoppedAtOnce,
  mustBeFollowed,
} from "./follow.ts";
import { asItSeems, givenAt, openFile, pathKey } from "./parameter.ts";

/** A set under the name its outcomes are reported by. */
export type NamedSet = { readonly name: string; readonly set: SelectorSet };

/** What follows from one call: the outcomes in the order of `sets` and their hooks. */
export type Decision = {
  readonly outcomes: readonly Outcome[];
  readonly follows: FollowState;
  /** As in HookCall, after it. */
  readonly tracker?: number;
  /** What is left for the thread's next calls of enforcers. */
  readonly notices: Notices;
};

/** `wouldStop`: monitor mode. `ofProtected`: let go, because its process is a part of the node. */
export type Stop = "stopped" | "wouldStop" | "ofProtected";

/** What one hook of one set does about a call. A hook that does nothing has no outcome. */
export type Outcome = {
  readonly set: string;
  readonly hook: number;
  /** The first selector that matched; 0 for a hook without any. */
  readonly selector: number;
  /** What was carried out, in order. */
  readonly actions: readonly Action[];
  /** The selector's last action, carried out or not; what its event names. */
  readonly lastAction: Action["action"];
  /** Something that stops was left out: in monitor mode, or for a part of the node itself. */
  readonly monitored: boolean;
  /** What counts as a stop, reported or not; absent where the selector has nothing that stops. */
  readonly stop?: Stop;
  /** Whether an event is reported. */
  readonly posted: boolean;
  /** The process that its event is about, where that is not the one that makes the call. */
  readonly about?: number;
  /** Signals that the process gets, in order. */
  readonly signals: readonly number[];
  /** The same, when the call has returned; absent: none. */
  readonly returnSignals?: readonly number[];
  /** The call does not run, and returns -override. */
  readonly override?: number;
  /** Reported at once, whatever it returns: nobody can wait for that. */
  readonly unseen?: true;
  /** What an event of a call that has returned says it did, 64 bits of a register. */
  readonly returned?: bigint;
};

/**
 * What the policies do about one call: the language's semantics, against which the kernel is
 * tested. Pure: the same input always gives the same decision. Every hook decides on the state
 * before the call; what they follow counts from the next call on.
 */
export function decide(sets: readonly NamedSet[], state: FollowState, call: HookCall): Decision {
  const outcomes: Outcome[] = [];
  let follows = state;
  let { tracker } = call;
  const notices = new Map(call.notices);
  for (const { name, set } of sets) {
    if (!call.holds.has(name)) continue;
    const following = followsDescriptors(set);
    for (const [i, hook] of set.hooks.entries()) {
      if (!isSameHookPoint(hook.on, call.on)) continue;
      const gates = mustBeFollowed(hook, following);
      const files = gates.map((arg) => openFile(hook.args[arg]!, call));
      if (!files.every((file) => isFollowed(state, name, { file, call }))) continue;
      const selector = firstMatch(hook, { name, call });
      if (selector === undefined) continue;
      const wanted = hook.selectors[selector]?.actions ?? [];
      const atOnce = wanted.filter((one) => isStoppedAtOnce(one, { set, hook }, { state, call }));
      const notice = notices.get(name);
      const outcome = act({ set, wanted, notice, atOnce: new Set(atOnce) }, call);
      for (const action of outcome.actions) {
        follows = afterAction(follows, name, { action, hook, call });
        tracker = trackerAfter(action, tracker, { hook, call });
        const { notice: left, enforces, forgetsNotice } = effectOf(action);
        if (enforces !== undefined || forgetsNotice) notices.delete(name);
        if (left !== undefined) notices.set(name, left);
      }
      const isAbout = hook.args.some((arg) => isSocket(arg) && leadsToSocket(arg, call));
      const about = isAbout && tracker !== undefined ? { about: tracker } : {};
      outcomes.push({ set: name, hook: i, selector, ...outcome, ...about });
    }
  }
  return {
    outcomes: outcomes.map((one) => whenReturned(one, outcomes, { sets, call })),
    ...{ follows, notices },
    ...(tracker === undefined ? {} : { tracker }),
  };
}

function isSocket({ type }: Arg): boolean {
  return argKind(type).standsFor === "socket";
}

/** Whether the kernel finds a `struct sock *`; what is behind that matters to nobody here. */
function leadsToSocket(arg: Arg, call: HookCall): boolean {
  const { index, given } = givenAt(arg, call);
  const parameter = given.parameters[index];
  return parameter?.kind === "sock" || (parameter?.kind === "socket" && !!parameter.sock);
}

/** Whom the call's socket is tracked for after `action`. */
function trackerAfter(
  action: Action,
  tracker: number | undefined,
  { hook, call }: { readonly hook: Hook; readonly call: HookCall },
): number | undefined {
  const { track, untrack } = effectOf(action);
  const position = track ?? untrack;
  if (position === undefined) return tracker;
  if (!leadsToSocket(hook.args[position]!, call)) return tracker;
  return track === undefined ? undefined : call.process.pid;
}

/** The outcome once the call has returned, which a hook may report only then. */
function whenReturned(
  outcome: Outcome,
  all: readonly Outcome[],
  { sets, call }: { readonly sets: readonly NamedSet[]; readonly call: HookCall },
): Outcome {
  const { set } = sets.find(({ name }) => name === outcome.set)!;
  const { hooks } = set;
  const { returned, selectors } = hooks[outcome.hook]!;
  if (returned === undefined) return outcome;
  const selector = selectors[outcome.selector];
  const { returnActions: wanted = [] } = selector ?? {};
  if (call.waitsNoMore) return stoppedUnseen(outcome, wanted, { set, call });
  const override = all.find((one) => one.override !== undefined)?.override;
  const value = override === undefined ? call.returned : BigInt(-override);
  if (value === undefined) return { ...outcome, posted: false };
  const reading = readReturned(returned, value, call);
  const isMet = returnedHolds(selector?.returned ?? [], returned, reading);
  const whole = { ...outcome, returned: BigInt.asUintN(64, value) };
  if (!isMet) return { ...whole, posted: false };
  const done = act({ set, wanted, atOnce: new Set() }, call);
  return {
    ...withStop(whole, done),
    posted: outcome.posted && done.posted,
    ...(done.signals.length > 0 && { returnSignals: done.signals }),
  };
}

/**
 * The outcome where nobody can wait for what the call returns: a process that might have to be stopped
 * then is stopped at once.
 */
function stoppedUnseen(
  entry: Outcome,
  wanted: readonly Action[],
  { set, call }: { readonly set: SelectorSet; readonly call: HookCall },
): Outcome {
  const outcome = { ...entry, unseen: true } as const;
  if (!wanted.some(isEnforcing)) return outcome;
  const stop = stopOf(set, call);
  const stopped = withStop(outcome, { stop, monitored: stop !== "stopped" });
  if (stop !== "stopped") return stopped;
  return { ...stopped, posted: true, signals: [...outcome.signals, SIGKILL] };
}

function withStop(outcome: Outcome, { stop, monitored }: Pick<Outcome, "stop" | "monitored">) {
  return { ...outcome, ...(stop && { stop, monitored }) };
}

function firstMatch(
  hook: Hook,
  { name, call }: { readonly name: string; readonly call: HookCall },
): number | undefined {
  if (hook.selectors.length === 0) return 0;
  const isThere = (workloads: Scope | undefined) =>
    workloads === undefined || call.holds.has(workloadsName(name, workloads));
  const index = hook.selectors.findIndex(
    ({ conditions, surely, workloads }) =>
      isThere(workloads) &&
      Object.values(byWhatIsRead(conditions, hook)).every((some) =>
        surely ? allHoldOf(some, hook, call) : allHold(some, hook, call),
      ),
  );
  return index === -1 ? undefined : index;
}

/** What is not known for sure meets conditions as what it seems to be, or else as what is in no list. */
function allHold(conditions: readonly Condition[], hook: Hook, call: HookCall): boolean {
  return [asItSeems(call), call].some((either) => allHoldOf(conditions, hook, either));
}

function allHoldOf(conditions: readonly Condition[], hook: Hook, call: HookCall): boolean {
  return conditions.every((condition) => holds(condition, hook, call));
}

/** Conditions on the same thing are met together; what is within a text is looked for on its own. */
function byWhatIsRead(conditions: readonly Condition[], { args }: Hook) {
  return Object.groupBy(conditions, (one) => {
    if (one.by !== "arg") return "process";
    const arg = args[one.arg]!;
    const { type } = arg;
    const form = argOperator(type, one.op)?.form;
    const apart = form === "substring" || form === "glob" ? form : "";
    return `${pathKey(arg) ?? arg.index} ${type} ${apart}`;
  }) as Readonly<Record<string, readonly Condition[]>>;
}

/** What ends a process that no other action is to stop. */
const SIGKILL = 9;

/** `atOnce`: of the wanted actions those that stop the process, because they cannot be carried out. */
type Acting = {
  readonly set: SelectorSet;
  readonly wanted: readonly Action[];
  /** What was left for it, where it is an enforcer's. */
  readonly notice?: Notice | undefined;
  readonly atOnce: ReadonlySet<Action>;
};

function act(
  { set, wanted, notice, atOnce }: Acting,
  call: HookCall,
): Omit<Outcome, "set" | "hook" | "selector"> {
  const stops = atOnce.size > 0 || wanted.some(isEnforcing);
  const stop = stops ? stopOf(set, call) : undefined;
  const actions = stop === "stopped" ? wanted : wanted.filter((action) => !isEnforcing(action));
  const effects = actions.map((action): Effect => {
    if (stop === "stopped" && atOnce.has(action)) return { signal: SIGKILL };
    const effect = effectOf(action);
    if (effect.enforces === undefined) return effect;
    return whatIsLeft(set.mode === "monitor" ? undefined : notice);
  });
  const override = effects.find((effect) => effect.override !== undefined)?.override;
  return {
    actions,
    lastAction: wanted.at(-1)?.action ?? defaultAction,
    monitored: stop !== undefined && stop !== "stopped",
    posted: !wanted.some((action) => effectOf(action).silent),
    signals: effects.flatMap(({ signal }) => signal ?? []),
    ...(stop === undefined ? {} : { stop }),
    ...(override === undefined ? {} : { override }),
  };
}

function whatIsLeft(notice: Notice | undefined): Effect {
  const { signal = 0, error = 0 } = notice ?? {};
  return { ...(signal === 0 ? {} : { signal }), ...(error === 0 ? {} : { override: error }) };
}

function stopOf(set: SelectorSet, { process }: HookCall): Stop {
  if (process.isProtected) return "ofProtected";
  return set.mode === "monitor" ? "wouldStop" : "stopped";
}
