import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HookCall, SelectorSet } from "@guardbee/policy";
import { assumptions, Replay } from "@guardbee/policy/replay";
import fc from "fast-check";
import { capabilityName } from "../../policy/capabilities.ts";
import { anyCall, anyFollowState, anySelectorSet } from "../../policy/decide/arbitrary.ts";
import { asItSeems } from "../../policy/decide/parameter.ts";
import { argJson } from "../args/index.ts";
import type { NamedSet } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { type Done, NativeEngine } from "./testing/native-engine.ts";

// What the engine's C reports of random calls, as the JSON that the agent writes of it, through the
// same policies again: a replay gives the verdict that the engine gave, or says that it cannot tell.

const batches = 60;
const setsPerBatch = 8;
const callsPerBatch = 60;
/** Of a process outside of pods. */
const onHost = {
  place: enums.scope_place.PLACE_NOWHERE,
  rootLevel: 1,
  isBelowRoot: false,
  classes: [],
};
/** New in every run. A failure says it: set it to see the failure again. */
const seed = Number(process.env.GUARDBEE_SEED ?? Date.now() % 2 ** 31);

const engine = new NativeEngine();
after(() => engine.close());

test(`a replay decides as the engine did live (GUARDBEE_SEED=${seed})`, async () => {
  const names = Array.from({ length: setsPerBatch }, (_, i) => `p${10 + i}`);
  const anyBatch = fc.record({
    sets: fc.array(anySelectorSet, { minLength: setsPerBatch, maxLength: setsPerBatch }),
    calls: fc.array(fc.record({ call: anyCall(names), follows: anyFollowState(names) }), {
      minLength: callsPerBatch,
      maxLength: callsPerBatch,
    }),
  });
  const lives = { same: 0, other: 0, untold: 0 };
  for (const batch of fc.sample(anyBatch, { seed, numRuns: batches })) {
    const sets = batch.sets.map((set, i) => everywhere(names[i]!, set));
    const holds = new Set(names);
    engine.load(sets, { classes: Array(4).fill(holds), slot: 0 });
    const replay = new Replay(sets, { assumed: new Set(assumptions) });
    let at = 1;
    for (const { call, follows } of batch.calls) {
      at += 3600;
      const plain: HookCall = { ...asRecorded(call), holds };
      const done = await engine.call(plain, follows, { cgroups: onHost, at });
      for (const event of done.events) {
        const line = lineOf(event, plain, sets);
        const { live, verdicts } = replay.take(JSON.parse(line));
        assert.ok(live, line);
        lives[live]++;
        const own = verdicts.filter(({ policy }) => policy.name === event.set);
        const kind = event.stopped ? "stopped" : event.wouldStop ? "would_stop" : "reported";
        const isSame = own.some((one) => one.kind === kind && one.selector === event.selector);
        const told =
          JSON.stringify({
            h: event.hook,
            s: event.selector,
            m: event.monitored,
            st: event.stopped,
            r: plain.returned === undefined ? "none" : String(plain.returned),
          }) +
          JSON.stringify({
            seed,
            line,
            verdicts,
            hooks: sets.find(({ name }) => name === event.set)?.set.hooks,
          }).replaceAll(/(?<=[a-z])(eXl5|5eXl)+/g, "..");
        const isUntold = own.some((one) => one.kind === "untold");
        assert.ok(isUntold || (live === "same" && isSame), told);
      }
    }
  }
  assert.ok(lives.same > batches * 25, JSON.stringify(lives));
  assert.ok(lives.untold < lives.same / 4, JSON.stringify(lives));
});

/** The set for every process: events do not say what random scopes are made for. */
function everywhere(name: string, set: SelectorSet): NamedSet {
  const hooks = set.hooks.map((hook) => ({
    ...hook,
    selectors: hook.selectors.map(({ workloads: _, ...selector }) => selector),
  }));
  const scope = { host: true, pods: {} };
  return { name, hash: name, set: { ...set, scope, hooks, policy: { ...set.policy, name } } };
}

/** Without what no event tells: full tables, detached mounts, who is a part of the node. */
function asRecorded(call: HookCall): HookCall {
  const { startsContainer: _, ...process } = call.process;
  const seeming = asItSeems(call);
  const { followsNoMore: _follows, waitsNoMore: _waits, tracker: _tracker, ...others } = seeming;
  const { namespaces, hostNamespaces, pid } = process;
  const line = process.ancestors.map((one, i) => ({ pid: one, nspid: process.nsAncestors[i] }));
  const above = line.filter(
    (one, i) => one.pid !== pid && line.findIndex((other) => other.pid === one.pid) === i,
  );
  return {
    ...others,
    process: {
      ...{ ...process, isProtected: false },
      inHostUserNamespace: namespaces.User === hostNamespaces.User,
      ancestors: above.map((one) => one.pid),
      nsAncestors: above.flatMap((one) => one.nspid ?? []),
    },
  };
}

/** As the agent writes it. */
function lineOf(
  event: Done["events"][number],
  { process, on, is32Bit }: HookCall,
  sets: readonly NamedSet[],
): string {
  const hook = sets.find(({ name }) => name === event.set)!.set.hooks[event.hook]!;
  const inPod = (pid: number | undefined) =>
    pid === undefined || pid === 0 ? {} : { pod: { container: { name: "c", pid } } };
  const names = (bits: bigint) =>
    Array.from({ length: 64 }, (_, bit) => bit)
      .filter((bit) => ((bits >> BigInt(bit)) & 1n) === 1n)
      .map((bit) => capabilityName(bit)!);
  const { capabilities, namespaces, hostNamespaces } = process;
  const ns = Object.entries(namespaces).map(([name, inum]) => [
    name.replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase(),
    { inum, is_host: inum === hostNamespaces[name as keyof typeof hostNamespaces] },
  ]);
  const about = {
    ...{ exec_id: "e", pid: event.pid, flags: "execve clone", ...inPod(process.nspid) },
    ...(process.binary === undefined ? {} : { binary: process.binary }),
    cap: Object.fromEntries(Object.entries(capabilities).map(([set, bits]) => [set, names(bits)])),
    ns: Object.fromEntries(ns),
  };
  const members = {
    process: about,
    parent: process.parentBinary === undefined ? {} : { binary: process.parentBinary },
    ancestors: process.ancestors.map((pid, i) => ({ pid, ...inPod(process.nsAncestors[i]) })),
    ...namesOf(on, is32Bit === true),
    ...(event.returned && { return: JSON.parse(argJson(event.returned, undefined)) }),
    policy_name: event.set,
    action: `KPROBE_ACTION_${event.action.toUpperCase()}`,
  };
  const args = event.args.map((arg, i) => argJson(arg, hook.args[i]?.label)).join(",");
  const inner = JSON.stringify(members).slice(1, -1);
  return `{"${eventOf(on)}":{${inner},"args":[${args}]}}`;
}

function eventOf({ kind }: HookCall["on"]): string {
  if (kind === "lsm" || kind === "uprobe" || kind === "usdt") return `process_${kind}`;
  return kind.endsWith("racepoint") ? "process_tracepoint" : "process_kprobe";
}

function namesOf(on: HookCall["on"], is32Bit: boolean): Readonly<Record<string, string>> {
  switch (on.kind) {
    case "kprobe":
      return { function_name: `${on.syscall ? (is32Bit ? "__ia32_" : "__x64_") : ""}${on.call}` };
    case "exec":
      return { function_name: "sched_process_exec" };
    case "lsm":
      return { function_name: on.hook };
    case "functions":
      return { function_name: "__x64_sys_read" };
    case "tracepoint":
    case "rawTracepoint":
      return { subsys: on.subsystem, event: on.event };
    case "uprobe":
      return { path: on.path, symbol: on.symbol ?? "" };
    case "usdt":
      return { path: on.path, provider: on.provider, name: on.name };
  }
}
