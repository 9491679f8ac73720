import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type Arg,
  type Decision,
  decide,
  type Hook,
  type HookCall,
  isEnforcing,
  type Notices,
  type Outcome,
  type Reading,
  type SelectorSet,
} from "@guardbee/policy";
import fc from "fast-check";
import { argKind, isUnread, readArg } from "../../policy/args/index.ts";
import { aggregated, type Windows } from "../../policy/decide/aggregate.ts";
import {
  anyCall,
  anyFollowState,
  anySelectorSet,
  scopeNames,
} from "../../policy/decide/arbitrary.ts";
import { givenAt, openFile, type Parameter } from "../../policy/decide/parameter.ts";
import { type Reported, rateLimited } from "../../policy/decide/rate-limit.ts";
import { readReturned } from "../../policy/returned.ts";
import type { HookArg } from "../args/index.ts";
import type { NamedSet } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { anyCgroupPath, classOf } from "./testing/cgroup-classes.ts";
import { type Done, NativeEngine } from "./testing/native-engine.ts";
import { networkText, wantedNetworkText } from "./testing/network.ts";

// The engine's C against policy/decide, without a kernel: thousands of decisions in seconds. What
// needs a kernel (attaching, the verifier, real tasks and paths) is oracle.guest.test.ts' matter.

const batches = 250;
const setsPerBatch = 12;
const callsPerBatch = 80;
/** Scope classes: of the host, of pods that are not known, and two of pods that are. */
const classCount = 4;
/** New in every run. A failure says it: set it to see the failure again. */
const seed = Number(process.env.GUARDBEE_SEED ?? Date.now() % 2 ** 31);

const { SCOPE_HOST, SCOPE_UNKNOWN_POD } = enums.scope_class;

const engine = new NativeEngine();
after(() => engine.close());

test(`the engine decides as policy/decide does (GUARDBEE_SEED=${seed})`, async () => {
  const names = Array.from({ length: setsPerBatch }, (_, i) => `p${10 + i}`);
  const scopes = names.flatMap(scopeNames);
  const anyNames = fc.oneof(fc.constant(scopes), fc.subarray(scopes));
  const anyBatch = fc.record({
    sets: fc.array(anySelectorSet, { minLength: setsPerBatch, maxLength: setsPerBatch }),
    ...{ host: anyNames, unknown: anyNames, narrow: anyNames },
    slot: fc.constantFrom(0 as const, 1 as const),
    padding: fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(0, 0, 64, 200) },
      { weight: 1, arbitrary: fc.constant(64 * enums.engine_limit.UNROLLED_MAX) },
    ),
    calls: fc.array(
      fc.record({
        call: anyCall(names),
        follows: anyFollowState(names),
        cgroups: anyCgroupPath(classCount + 1),
        seconds: fc.constantFrom(0, 0, 1, 100, 1800, 3599, 3600),
      }),
      { minLength: callsPerBatch, maxLength: callsPerBatch },
    ),
  });
  let [compared, heldBack, stoppedAtOnce] = [0, 0, 0];
  for (const batch of fc.sample(anyBatch, { seed, numRuns: batches })) {
    const sets = batch.sets.map((set, i): NamedSet => named(names[i]!, set));
    const classes = [batch.host, batch.unknown, scopes, batch.narrow].map((some) => new Set(some));
    engine.load([...sets, ...fillers(sets, batch.padding)], { classes, slot: batch.slot });
    let windows: Windows = new Map();
    let reported: Reported = new Map();
    let at = 1;
    for (const { call, follows, cgroups, seconds } of batch.calls) {
      const scopeClass = classOf(cgroups);
      // What has a class that the tables lack is nobody that is known.
      const holds = classes[scopeClass] ?? classes[SCOPE_UNKNOWN_POD]!;
      const { startsContainer, ...process } = call.process;
      const starts = startsContainer && scopeClass !== SCOPE_HOST ? { startsContainer } : {};
      const inScope: HookCall = {
        ...{ ...call, holds, process: { ...process, ...starts } },
        // Nor does any program of the host's start a container of it.
        parameters:
          scopeClass === SCOPE_HOST ? call.parameters.map(startsNothing) : call.parameters,
      };
      at += seconds;
      const decided = decide(sets, follows, inScope);
      const { pid } = call.process;
      const entry = call.is32Bit === true ? "int 0x80" : "syscall";
      const by = `${pid} by ${entry}`;
      const unheld = aggregated(decided.outcomes, windows, { process: by, at });
      windows = unheld.windows;
      const argsOf = (outcome: Outcome) => hookOf(sets, outcome).args;
      const given = { ...{ thread: pid, process: pid, entry, at }, given: inScope, argsOf };
      const left = rateLimited(unheld.outcomes, reported, given);
      reported = left.reported;
      const decision = { ...decided, outcomes: left.outcomes };
      const done = await engine.call({ ...inScope, process: call.process }, follows, {
        cgroups,
        at,
      });
      heldBack += decided.outcomes.filter(
        ({ posted }, i) => posted && !left.outcomes[i]!.posted,
      ).length;
      compared += decision.outcomes.length;
      stoppedAtOnce += decided.outcomes.filter(isStoppedAtOnce).length;
      assert.deepEqual(
        happened(done, inScope),
        wanted(decision, inScope, sets),
        `seed ${seed}, batch ${JSON.stringify({ sets, call: inScope, cgroups }, bigints)}`,
      );
    }
  }
  assert.ok(compared > batches * 40, `only ${compared} outcomes were compared`);
  assert.ok(heldBack > batches / 10, `only ${heldBack} events were held back`);
  assert.ok(stoppedAtOnce > batches / 50, `only ${stoppedAtOnce} could not be followed`);
});

function startsNothing(parameter: Parameter): Parameter {
  if (parameter.kind !== "struct" || !parameter.exec) return parameter;
  const { startsContainer: _, ...exec } = parameter.exec;
  return { ...parameter, exec };
}

/** It has no other action that stops. */
function isStoppedAtOnce({ actions, signals }: Outcome): boolean {
  return signals.includes(9) && actions.every((one) => !isEnforcing(one));
}

function named(name: string, set: SelectorSet): NamedSet {
  return { name, hash: name, set: { ...set, policy: { ...set.policy, name } } };
}

/** Sets that hold for nobody and make bitmaps longer, before and behind the selectors of the others. */
function fillers(sets: readonly NamedSet[], count: number): readonly NamedSet[] {
  if (count === 0) return [];
  const selectors = Array.from({ length: count }, () => ({ conditions: [], actions: [] }));
  return sets.slice(0, 1).map(({ set }) => ({
    ...named("p15-filler", {
      ...set,
      hooks: set.hooks.map(({ on }) => ({ on, args: [], selectors })),
    }),
  }));
}

function hookOf(sets: readonly NamedSet[], { set, hook }: Outcome): Hook {
  return sets.find(({ name }) => name === set)!.set.hooks[hook]!;
}

type Effect = {
  readonly events: readonly string[];
  readonly signals: readonly number[];
  readonly returned: number;
  readonly follows: readonly string[];
  readonly tracker: number;
  readonly notices: readonly string[];
};

function happened(
  { events, signals, returned, follows, tracker, notices }: Done,
  call: HookCall,
): Effect {
  return {
    events: events
      .map(({ set, hook, selector, pid, action, args, returned, ...flags }) => {
        const shown = `${pid} ${args.map(argText).join(" ")}`;
        const value = returned === undefined ? "" : ` = ${argText(returned)}`;
        return `${set} ${hook} ${selector} ${action}${flagsText(flags)} (${shown})${value}`;
      })
      .sort(),
    signals,
    returned,
    follows: followsIn(follows, call),
    tracker,
    notices: noticesIn(notices),
  };
}

function noticesIn(notices: Notices): readonly string[] {
  return [...notices].map(([set, { signal, error }]) => `${set} ${signal} ${error}`).sort();
}

function wanted(
  { outcomes, follows, tracker = 0, notices }: Decision,
  call: HookCall,
  sets: readonly NamedSet[],
): Effect {
  return {
    events: outcomes
      .filter(({ posted }) => posted)
      .map((outcome) => {
        const { set, hook, selector, lastAction, monitored, stop } = outcome;
        const { about = call.process.pid } = outcome;
        const flags = { monitored, stopped: stop === "stopped", wouldStop: stop === "wouldStop" };
        const shown = hookOf(sets, outcome).args.map((arg) => wantedArg(arg, call));
        const value = wantedReturned(hookOf(sets, outcome), outcome, call);
        return `${set} ${hook} ${selector} ${lastAction}${flagsText(flags)} (${about} ${shown.join(" ")})${value}`;
      })
      // Those that wait for the call to return come behind the others.
      .sort(),
    signals: [
      ...outcomes.flatMap(({ signals }) => signals),
      ...outcomes.flatMap(({ returnSignals = [] }) => returnSignals),
    ],
    returned: 0 - (outcomes.find(({ override }) => override !== undefined)?.override ?? 0),
    follows: followsIn(follows, call),
    tracker,
    notices: noticesIn(notices),
  };
}

function wantedReturned({ returned }: Hook, outcome: Outcome, call: HookCall): string {
  if (returned === undefined || outcome.unseen) return "";
  const reading = readReturned(returned, outcome.returned!, call);
  return ` = ${Object.values(reading as Reading)[0]}`;
}

function flagsText(flags: { monitored: boolean; stopped: boolean; wouldStop: boolean }): string {
  const { monitored, stopped, wouldStop } = flags;
  return `${monitored ? " monitored" : ""}${stopped ? " stopped" : ""}${wouldStop ? " would stop" : ""}`;
}

function argText(arg: HookArg): string {
  if (arg.type === "error") return `errno ${arg.errno}`;
  if ("length" in arg) return `"${short(arg.bytes.toString())}" of ${arg.length}`;
  if ("text" in arg) return `"${short(arg.text)}"`;
  if ("path" in arg) return `"${arg.path}"`;
  return "value" in arg ? String(arg.value) : networkText(arg);
}

/** The same with long runs of one letter as their length. */
function short(text: string): string {
  return text.replace(/(.)\1{40,}/g, (run, letter) => `<${letter} ${run.length}>`);
}

function wantedArg(arg: Arg, call: HookCall): string {
  if (isUnread(arg, call)) return "errno 14";
  const { index, given: all } = givenAt(arg, call);
  const given = all.parameters[index]!;
  if (arg.type === "file" || arg.type === "fd" || "file" in given) {
    const file = "file" in given ? given.file : openFile(arg, call);
    // Of a pipe's name alone there is no path to look for.
    const isNothing = file === undefined || (arg.type === "dentry" && file.path === undefined);
    return isNothing ? "errno 9" : `"${tailOf(file.path ?? "")}"`;
  }
  const reading = readArg(arg, call);
  if (reading === "unknown") return "errno 14";
  const network = wantedNetworkText(arg, call);
  if (network !== undefined) return network;
  const [facet] = Object.values(reading ?? {});
  if (typeof facet === "bigint") return String(facet);
  if (facet instanceof Uint8Array) return bytesText(facet, arg);
  return "none";
}

/** What an event has of bytes: all, or as many as there is room for. */
function bytesText(bytes: Uint8Array, { type, maxData }: Arg): string {
  const text = Buffer.from(bytes.subarray(0, maxData ? 327_360 : 4095)).toString();
  const isBuffer = argKind(type).lengthFields !== undefined;
  return `"${short(text)}"${isBuffer ? ` of ${bytes.length}` : ""}`;
}

/** What an event has of a path: its last folders, as many as there is room for. */
function tailOf(path: string): string {
  return path.length < enums.text_limit.PATH_SIZE
    ? path
    : path.slice(path.indexOf("/", path.length - enums.text_limit.PATH_SIZE + 1));
}

/** Which set follows which file, of the files of the call: the engine knows of no others. */
function followsIn(follows: Done["follows"], call: HookCall): readonly string[] {
  const opened = call.parameters.flatMap((one) => ("file" in one ? [one.file.id] : []));
  const known = new Set([...[...call.descriptors.values()].map(({ id }) => id), ...opened]);
  return [...follows]
    .flatMap(([set, ids]) => [...ids].filter((id) => known.has(id)).map((id) => `${set} ${id}`))
    .sort();
}

function bigints(_key: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return [...value];
  return typeof value === "bigint" ? String(value) : value;
}
