import type { NamedSet } from "../decide/decide.ts";
import { describeHookPoint } from "../lower/hooks/index.ts";
import type { PolicyRef } from "../selector-set.ts";
import { recordedEvent } from "./event.ts";
import type { Assumption } from "./facts.ts";
import { hooksOf, isOn, type Recorder, recorderOf, type SetHook } from "./hooks.ts";
import { Judge, type Judged } from "./judge.ts";

export { type Assumption, assumptions } from "./facts.ts";

/** `silent`: carried out, and no event would tell. `untold`: the event does not say enough. */
export type VerdictKind = "stopped" | "would_stop" | "reported" | "silent" | "untold";

/** What one hook of a policy would have done about a recorded call. */
export type Verdict = {
  readonly kind: VerdictKind;
  readonly policy: PolicyRef;
  /** Its place in the policy, counted from 0, and what it is on. */
  readonly hook: number;
  readonly on: string;
  /** Which selector matched; absent: that is not told. */
  readonly selector?: number;
  /** As events name it; absent: that is not told. */
  readonly action?: string;
  /** What the event does not say. */
  readonly why?: string;
  /** What an ExecPolicy reports of an exec that has an event of its own, too. */
  readonly again?: true;
};

/** What comes of one line. */
export type Replayed = {
  /** `other`: an event on which no policy decides. */
  readonly is: "judged" | "other" | "no event";
  readonly verdicts: readonly Verdict[];
  /** Of an event that one of the policies recorded itself: whether it would be recorded the same. */
  readonly live?: "same" | "other" | "untold";
};

const nothing: Replayed = { is: "other", verdicts: [] };

/** Decides on recorded events what policies would have done, in the order in which they happened. */
export class Replay {
  readonly #own: readonly SetHook[];
  readonly #recorders: readonly SetHook[];
  readonly #judge: Judge;
  /** By `source`: what an event is for. */
  readonly #sources = new Map<string, { own: readonly SetHook[]; recorder: Recorder }>();

  /** `recordedBy`: the policies that were in force, where those were others of the same name. */
  constructor(
    sets: readonly NamedSet[],
    {
      recordedBy = [],
      assumed = new Set(),
    }: { readonly recordedBy?: readonly NamedSet[]; readonly assumed?: ReadonlySet<Assumption> },
  ) {
    this.#own = hooksOf(sets);
    const given = new Set(recordedBy.map(({ set }) => set.policy.name));
    const others = sets.filter(({ set }) => !given.has(set.policy.name));
    this.#recorders = hooksOf([...recordedBy, ...others]);
    this.#judge = new Judge(this.#recorders, assumed);
  }

  /** `line`: the JSON of one. */
  take(line: unknown): Replayed {
    const event = recordedEvent(line);
    if (event === undefined) return { is: isEvent(line) ? "other" : "no event", verdicts: [] };
    const { own, recorder } = this.#sourceOf(event);
    if (own.length === 0) return nothing;
    const judged = own.map((hook) => ({ hook, it: this.#judge.judge(hook, event, recorder) }));
    const again = event.kind === "process_kprobe";
    const verdicts = judged.flatMap(({ hook, it }) =>
      it === undefined
        ? []
        : [{ ...verdictOf(hook, it), ...(again && hook.hook.on.kind === "exec" && { again }) }],
    );
    const live = liveOf(event.policy, String(event.event.action ?? ""), { judged, verdicts });
    return { is: "judged", verdicts, ...(live && { live }) };
  }

  #sourceOf(event: NonNullable<ReturnType<typeof recordedEvent>>) {
    const key = event.kind === "process_exec" ? `${event.kind} ${isExecOf(event)}` : event.source;
    let known = this.#sources.get(key);
    if (known === undefined) {
      const own = this.#own.filter(({ hook }) => isOn(hook, event));
      known = { own, recorder: recorderOf(this.#recorders, event) };
      this.#sources.set(key, known);
    }
    return known;
  }
}

function isExecOf({ process }: { readonly process: Readonly<Record<string, unknown>> }): boolean {
  return String(process.flags).startsWith("execve");
}

/** Whether an object has what every event has. */
function isEvent(line: unknown): boolean {
  if (typeof line !== "object" || line === null) return false;
  return Object.keys(line).some((key) => /^(process_\w+|test|rate_limit_info)$/.test(key));
}

function verdictOf({ set, index, hook }: SetHook, it: NonNullable<Judged>): Verdict {
  const place = { policy: set.set.policy, hook: index, on: describeHookPoint(hook.on) };
  if ("untold" in it) return { kind: "untold", ...place, why: it.untold };
  const { stop, posted, selector, lastAction } = it;
  const kind = stop === "stopped" ? stop : stop !== undefined ? "would_stop" : undefined;
  return {
    kind: kind ?? (posted ? "reported" : "silent"),
    ...{ ...place, selector, action: eventAction(lastAction) },
  };
}

/** As events name an action: what is none of upstream's they report as a Post. */
function eventAction(name: string): string {
  return `KPROBE_ACTION_${name.toUpperCase()}`;
}

type Looked = {
  readonly judged: readonly { readonly hook: SetHook; readonly it: Judged }[];
  readonly verdicts: readonly Verdict[];
};

/** Whether a policy that recorded an event under its name would record it again, with that action. */
function liveOf(policy: string, action: string, { judged, verdicts }: Looked) {
  const isOwn = judged.some(({ hook }) => hook.set.set.policy.name === policy);
  if (policy === "" || !isOwn) return undefined;
  const own = verdicts.filter((one) => one.policy.name === policy);
  if (own.some((one) => one.kind !== "untold" && one.action === action)) return "same";
  return own.some((one) => one.kind === "untold") ? "untold" : "other";
}
