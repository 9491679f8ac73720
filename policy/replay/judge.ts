import { actionsOf, effectOf, followsDescriptors, tracksSockets } from "../actions/index.ts";
import { argKind } from "../args/index.ts";
import type { RecordedArgument } from "../args/kind.ts";
import { holds, whyUntold } from "../conditions/index.ts";
import type { Told } from "../conditions/kind.ts";
import { decide, type NamedSet, type Outcome } from "../decide/decide.ts";
import type { HookCall } from "../decide/event.ts";
import { type FollowState, mustBeFollowed } from "../decide/follow.ts";
import { type Given, type OpenFile, type Parameter, pathKey } from "../decide/parameter.ts";
import { canonicalJson } from "../lower/canonical.ts";
import type { Arg } from "../selector-set.ts";
import { namesIn, workloadsName } from "../workloads.ts";
import { type Fields, fieldsIn, listIn, type RecordedEvent, textIn } from "./event.ts";
import { type Assumption, type Facts, factsOf } from "./facts.ts";
import { FollowedFiles } from "./followed-files.ts";
import { is32Bit, type Recorder, type SetHook } from "./hooks.ts";
import { recordedReturn } from "./returned.ts";

/** What a hook would have done about a recorded call; undefined: nothing. */
export type Judged = Outcome | { readonly untold: string } | undefined;

/** Decides on recorded calls, one after the other, as `decide` does on live ones. */
export class Judge {
  readonly #assumed: ReadonlySet<Assumption>;
  /** Some policy that was in force tracks sockets: their events may be about another process. */
  readonly #tracks: boolean;
  readonly #files = new FollowedFiles();
  #follows: FollowState = new Map();

  constructor(inForce: readonly SetHook[], assumed: ReadonlySet<Assumption>) {
    this.#assumed = assumed;
    this.#tracks = inForce.some(({ set }) => tracksSockets(set.set));
  }

  judge(own: SetHook, event: RecordedEvent, recorder: Recorder): Judged {
    const { hook, set } = own;
    const atExec = hook.on.kind === "exec";
    const facts = factsOf(event, { atExec, assumed: this.#assumed });
    if (facts.place === undefined) return { untold: "its pod was not known" };
    const names = new Set(namesIn([set], facts.place));
    if (!names.has(set.name)) return undefined;
    const wrong = whyNotAlike(own, recorder, this.#tracks);
    if (wrong !== undefined) return { untold: wrong };
    const { call, told } = this.#callOf(own, { event, recorder, facts, names });
    const gate = this.#gate(own, call, recorder);
    if (gate === "no") return undefined;
    const opens = actionsOf(hook).some((one) => effectOf(one).follow !== undefined);
    const outcome =
      gate === "untold" ? { untold: untoldDescriptor } : this.#decide(own, call, told);
    if (opens) this.#files.opened(own, call, outcome);
    return outcome;
  }

  #decide(own: SetHook, call: HookCall, told: Told): Judged {
    const untold = whyUndecided(own, call, told);
    if (untold !== undefined) return { untold };
    const returned = own.hook.returned !== undefined && call.returned === undefined;
    const { outcomes, follows } = decide([alone(own)], this.#follows, call);
    this.#follows = follows;
    const [outcome] = outcomes;
    if (outcome !== undefined && returned) return { untold: "what the call returned is not told" };
    return outcome;
  }

  #callOf(
    own: SetHook,
    {
      event,
      recorder,
      facts,
      names,
    }: {
      readonly event: RecordedEvent;
      readonly recorder: Recorder;
      readonly facts: Facts;
      readonly names: ReadonlySet<string>;
    },
  ): { readonly call: HookCall; readonly told: Told } {
    const { hook } = own;
    const read = hook.args.map((arg) => readArgument(arg, event, recorder));
    const returned = recordedReturn(hook, event, recorder);
    const call: HookCall = {
      ...{ on: hook.on, process: facts.process, holds: names },
      ...this.#given(hook.args, read, facts.process.pid),
      ...(is32Bit(event) && { is32Bit: true }),
      ...(returned !== undefined && { returned }),
    };
    return {
      call,
      told: {
        ...facts.told,
        args: read.map((one, i) => ({
          type: hook.args[i]!.type,
          why: typeof one === "string" ? one : undefined,
        })),
      },
    };
  }

  /** What the call handed over, as far as that was read; where there is a file, its place has some file. */
  #given(args: readonly Arg[], read: readonly (Parameter | string)[], pid: number): Given {
    const parameters: Parameter[] = [];
    const descriptors = new Map<number, OpenFile>();
    const resolved = new Map<string, Parameter>();
    for (const [i, arg] of args.entries()) {
      const one = read[i]!;
      const { index, type } = arg;
      const path = pathKey(arg);
      const { asksFollowed, standsFor } = argKind(type);
      const untold = asksFollowed || standsFor === "file" ? this.#files.some() : undefined;
      const known = typeof one === "string" ? untold : one;
      if (known === undefined) continue;
      const placed =
        "file" in known ? { ...known, file: this.#files.identify(pid, known.file) } : known;
      if (path !== undefined) {
        resolved.set(path, placed);
        continue;
      }
      const before = parameters[index];
      const number = [before, placed].find((each) => each?.kind === "number");
      const file = [before, placed].find((each) => each !== undefined && "file" in each);
      parameters[index] = number ?? placed;
      if (number?.kind !== "number" || number.value === noDescriptor) continue;
      const fd = Number(number.value);
      if (file !== undefined && "file" in file) descriptors.set(fd, file.file);
      else if (standsFor === "descriptor") descriptors.set(fd, this.#files.behind(pid, fd));
    }
    return {
      parameters: Array.from(parameters, (one) => one ?? ({ kind: "unread" } as const)),
      ...{ descriptors, resolved },
    };
  }

  /** Whether the hook acts for the descriptors of the call; what it does not follow it lets pass. */
  #gate({ set, hook }: SetHook, call: HookCall, recorder: Recorder): "yes" | "no" | "untold" {
    const gates = mustBeFollowed(hook, followsDescriptors(set.set));
    if (gates.length === 0) return "yes";
    if (isSame(set, recorder)) {
      // It was recorded because the same set followed it.
      for (const file of call.descriptors.values()) this.#follow(set.name, file);
      for (const one of call.parameters) if ("file" in one) this.#follow(set.name, one.file);
      return "yes";
    }
    const files = gates.map((position) => this.#files.at(hook.args[position]!, call));
    const answers = files.map((file) => this.#files.isFollowed(set.name, file));
    if (answers.includes("no")) return "no";
    return answers.includes("untold") ? "untold" : "yes";
  }

  #follow(name: string, { id }: OpenFile): void {
    this.#follows = new Map(this.#follows).set(name, new Set(this.#follows.get(name)).add(id));
  }
}

const untoldDescriptor =
  "whether it follows that descriptor: the record does not have where it was opened";

/** Why the call is none that the hook can be asked about. */
function whyNotAlike({ hook }: SetHook, recorder: Recorder, tracks: boolean): string | undefined {
  if (actionsOf(hook).some((one) => effectOf(one).enforces !== undefined)) {
    return "what notifications were left for an enforcer";
  }
  if ("unknown" in recorder) return undefined;
  const { on } = recorder.hook;
  if (on.kind.endsWith("racepoint") && on.kind !== hook.on.kind && hook.args.length > 0) {
    return "it was recorded by a hook with other fields (raw)";
  }
  const isAbout = recorder.hook.args.some(({ type }) => argKind(type).standsFor === "socket");
  if (isAbout && tracks) {
    return "which process made the call: the event is about the one that its socket is tracked for";
  }
  return undefined;
}

/** The parameter that an argument of `hook` is, or why the event does not say it. */
function readArgument(arg: Arg, { event }: RecordedEvent, recorder: Recorder): Parameter | string {
  if ("unknown" in recorder) return recorder.unknown;
  const { args } = recorder.hook;
  const position = args.findIndex((one) => isRead(one, arg));
  const what = `argument ${arg.resolve ?? arg.index} as ${arg.type}`;
  if (position === -1) return `${what} was not recorded`;
  // Those of data are behind the others, in a list of their own.
  const count = args.filter(({ isData }) => !isData).length;
  const [passed, data] = [listIn(event, "args"), listIn(event, "data")];
  if (passed.length !== count || data.length !== args.length - count) {
    return `${what}: the event has other arguments`;
  }
  const argument: RecordedArgument = [...passed, ...data][position]!;
  if ("error_arg" in argument) return unreadable(fieldsIn(argument, "error_arg"));
  return argKind(arg.type).recorded(argument) ?? `${what} is not whole in the event`;
}

/** What the kernel could not read either: there was no such file, or nobody could tell what was there. */
function unreadable(error: Fields): Parameter {
  return textIn(error, "Message").endsWith("EBADF")
    ? { kind: "number", value: noDescriptor }
    : { kind: "unread" };
}

const noDescriptor = 0xffff_ffffn;

/** Whether both are the same part of a call, read alike. */
function isRead(one: Arg, other: Arg): boolean {
  return (
    one.index === other.index &&
    pathKey(one) === pathKey(other) &&
    one.type === other.type &&
    !one.byFormat &&
    one.sizeArgIndex === other.sizeArgIndex &&
    one.returnCopy === other.returnCopy
  );
}

/** What keeps the first selector that matches from being told; undefined: nothing. */
function whyUndecided({ set, hook }: SetHook, call: HookCall, told: Told): string | undefined {
  for (const { conditions, workloads } of hook.selectors) {
    if (workloads !== undefined && !call.holds.has(workloadsName(set.name, workloads))) continue;
    const reasons = conditions.map((one) => whyUntold(one, told, call));
    const isOut = conditions.some((one, i) => reasons[i] === undefined && !holds(one, hook, call));
    if (isOut) continue;
    return reasons.find((reason) => reason !== undefined);
  }
  return undefined;
}

const alones = new WeakMap<SetHook, NamedSet>();

/** The set with that hook alone, in its place: it is asked about this call, and no other one is. */
function alone(own: SetHook): NamedSet {
  const { set, index } = own;
  const known = alones.get(own);
  if (known !== undefined) return known;
  const nowhere = { kind: "kprobe", call: "", syscall: false } as const;
  const hooks = set.set.hooks.map((one, i) => (i === index ? one : { ...one, on: nowhere }));
  const made = { name: set.name, set: { ...set.set, hooks } };
  alones.set(own, made);
  return made;
}

const texts = new WeakMap<NamedSet, string>();

/** Whether what recorded the event is the same policy with the same hooks. */
function isSame(set: NamedSet, recorder: Recorder): boolean {
  return !("unknown" in recorder) && textOf(recorder.set) === textOf(set);
}

function textOf(set: NamedSet): string {
  const text = texts.get(set) ?? canonicalJson([set.name, set.set.hooks]);
  texts.set(set, text);
  return text;
}
