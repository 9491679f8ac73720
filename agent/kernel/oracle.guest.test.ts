import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import {
  type Action,
  type Condition,
  effectOf,
  type Hook,
  type Outcome,
  type Process,
  type Reading,
  type SelectorSet,
} from "@guardbee/policy";
import fc from "fast-check";
import { binaryOperator } from "../../policy/conditions/executable.ts";
import { sampleInodes } from "../../policy/conditions/namespace.ts";
import { anySelectorSet, scopeNames } from "../../policy/decide/arbitrary.ts";
import { addressBytes } from "../../policy/decide/arbitrary-network.ts";
import { parseIp } from "../../policy/ip.ts";
import { readReturned } from "../../policy/returned.ts";
import type { HookArg } from "../args/index.ts";
import type { NamedSet, SetStops, StopCounts } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import type { Seen, SeenHook } from "./testing/event-log.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import {
  type Call,
  expectedOutcomes,
  lineOf,
  type Shared,
  sockets,
} from "./testing/oracle-model.ts";
import {
  binaryRoot,
  buildBinaries,
  type Driver,
  namespacesOf,
  ownFunction,
  parentOf,
  protectedBinary,
  type Result,
  startDriver,
} from "./testing/oracle-processes.ts";
import { aSet, named, onGetpriority, when } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";
import { seedOf } from "./testing/seed.ts";

/** Each is 24 policies at once and 24 calls of each process. */
const batches = Number(process.env.GUARDBEE_BATCHES ?? 2);
const setsPerBatch = 24;
const callsPerProcess = 24;
const seed = seedOf(process.env);

const kernel = await openGuestKernel({ protectedBinaries: [protectedBinary] });
const { engine, events } = kernel;
after(() => kernel.close());
const { features } = engine.features();

const files = ["/tmp/forbidden/a", "/tmp/forbidden/b", "/tmp/ok", "/etc/passwd", "/tmp/forbidden"];
const descriptors = [3, 4, 5, 0xffff_ffff];
const long = `secret${"x".repeat(300)}`;

/** None of them is this machine's: no bind(2) succeeds, and the sockets stay as they are. */
const addresses = [
  ...["10.1.2.2", "10.1.2.4", "11.0.0.1"].map((ip) => addressBytes(2, end(ip, 80)).subarray(0, 16)),
  ...["2001:db8::7", "2001:db9::1", "::ffff:10.1.2.3"].map((ip) => addressBytes(10, end(ip, 8443))),
].map((bytes) => Buffer.from(bytes).toString("hex"));

function end(ip: string, port: number) {
  return { address: parseIp(ip)!, port };
}

/** Where a text is cut into parts, of which some may have nothing. */
const anyCuts = fc.constantFrom([], [0], [3], [1, 1, 6], [0, 252, 253]);

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...files).map((path): Call => ({ call: "open", path })) },
  { weight: 1, arbitrary: fc.constantFrom(...descriptors).map((fd) => aCall("dup", fd)) },
  { weight: 2, arbitrary: fc.constantFrom(...descriptors).map((fd) => aCall("close", fd)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...descriptors),
        fc.constantFrom(undefined, "secret", "secrets", "public", "sec", long),
      )
      .map(([fd, text]): Call => ({ call: "write", fd, ...(text === undefined ? {} : { text }) })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        fd: fc.constantFrom(...descriptors),
        text: fc.constantFrom(undefined, "secret", "secrets", "public", long),
        cuts: anyCuts,
      })
      .map(({ fd, text, cuts }): Call => ({ call: "pwritev", fd, cuts, ...(text && { text }) })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        // The one that what comes of it leaves as it is: others would be bound, or end their process.
        socket: fc.constant(3),
        text: fc.constantFrom(undefined, "secret", "secrets", "public", long),
        cuts: anyCuts,
      })
      .map(
        ({ socket, text, cuts }): Call => ({ call: "send", socket, cuts, ...(text && { text }) }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...descriptors),
        fc.constantFrom(undefined, "secret", "secrets", "public", "sec"),
      )
      .map(([fd, text]): Call => ({ call: "own", fd, ...(text === undefined ? {} : { text }) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...descriptors), fc.constantFrom(0n, 1n, 5n, (1n << 64n) - 1n))
      .map(([fd, offset]): Call => ({ call: "seek", fd, offset })),
  },
  {
    weight: 2,
    arbitrary: fc
      // F_GETFD and F_GETFL, which change nothing.
      .tuple(fc.constantFrom(...descriptors), fc.constantFrom(1, 3), fc.constantFrom(0n, 1n, 5n))
      .map(([fd, command, arg]): Call => ({ call: "fcntl", fd, command, arg })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(sockets.length - 1), fc.constantFrom(...addresses))
      .map(([socket, address]): Call => ({ call: "bind", socket, address })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("secret", "secrets", "public", "sec")
      .map((name): Call => ({ call: "rename", name })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("/usr/bin/vi", "/usr/bin/cat", "/bin/sh")
      .map((path): Call => ({ call: "exec", path: binaryRoot + path })),
  },
);

function aCall(call: "dup" | "close", fd: number): Call {
  return { call, fd };
}

test(`the kernel decides as policy/decide does (GUARDBEE_SEED=${seed})`, async (t) => {
  mkdirSync("/tmp/forbidden", { recursive: true });
  for (const file of files.slice(0, 3)) writeFileSync(file, "content");
  buildBinaries();
  const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-oracle");
  const drivers = await startDrivers(cgroup);
  t.after(() => drivers.map((driver) => driver.end()));
  const pids = [drivers[0]!.pid, parentOf(drivers[1]!.pid), process.pid] as const;
  const namespaces = [1, drivers[1]!.pid, drivers[3]!.pid].map(namespacesOf);
  const any = fc.record({
    sets: fc.array(anySelectorSet, { minLength: setsPerBatch, maxLength: setsPerBatch }),
    calls: fc.array(fc.array(anyCall, { minLength: callsPerProcess, maxLength: callsPerProcess }), {
      minLength: drivers.length,
      maxLength: drivers.length,
    }),
  });
  let decided = 0;
  for (const [batch, { sets, calls }] of fc.sample(any, { seed, numRuns: batches }).entries()) {
    const policies = sets.map((set, i) =>
      named(
        forThisKernel({ ...set, policy: { ...set.policy, name: `p${10 + i}` } }, pids, namespaces),
      ),
    );
    const states = await kernel.program([mark, ...policies, ...fillers(policies, batch)], {
      host: [],
      cgroups: [{ id: cgroup.id, sets: [mark.name, ...policies.flatMap(inForce)] }],
    });
    const everywhere = [{ path: "/", cgroup: cgroup.id, sets: policies.map(({ name }) => name) }];
    assert.deepEqual(await engine.hookFiles(everywhere), []);
    assert.deepEqual(
      states.filter(({ state }) => state === "failed"),
      [],
    );
    const stops = new Map<string, StopCounts>();
    const shared: Shared = { reported: new Map(), children: 0 };
    for (const [i, driver] of drivers.entries()) {
      const made = [...calls[i]!, last];
      const process = driver.describe();
      const names = driver.names();
      let results: readonly Result[] = [];
      const log = await events.during(async () => {
        results = await driver.make(made.map(lineOf));
      });
      const seen = byCall(inTime(log), made.length).map((hooks) => inRank(hooks, policies));
      const outcomes = expectedOutcomes(policies, process, { calls: made, results, shared, names });
      for (const [n, call] of made.entries()) {
        decided += outcomes[n]!.length;
        countStops(stops, outcomes[n]!);
        assert.deepEqual(
          { call, ...happened(seen[n]!, results[n]!) },
          { call, ...wanted(outcomes[n]!, call, policies) },
          `seed ${seed}, batch ${batch}, ${driver.binary} after ${JSON.stringify(made.slice(0, n).map(lineOf))}`,
        );
      }
    }
    const names = new Set(policies.map(({ name }) => name));
    assert.deepEqual(withoutHash(engine.stops(names)), stops, `seed ${seed}, batch ${batch}`);
  }
  assert.ok(decided > batches * 50, `only ${decided} outcomes were compared`);
});

/** Enforcers do on it what is left for them: a driver makes calls of other policies afterwards. */
const last: Call = { call: "seek", fd: descriptors.at(-1)!, offset: 0n };

function countStops(stops: Map<string, StopCounts>, outcomes: readonly Outcome[]): void {
  for (const { set, stop } of outcomes) {
    if (stop === undefined) continue;
    const before = stops.get(set) ?? { stopped: 0, wouldStop: 0, ofProtected: 0 };
    stops.set(set, { ...before, [stop]: before[stop] + 1 });
  }
}

function withoutHash(counted: ReadonlyMap<string, SetStops>): ReadonlyMap<string, StopCounts> {
  return new Map(
    [...counted].flatMap(([name, { hash: _, selectors: __, ...counts }]) =>
      Object.values(counts).some((count) => count > 0) ? [[name, counts] as const] : [],
    ),
  );
}

/** What the drivers' cgroup holds of a policy: of its selectors' workloads those of the host alone. */
function inForce({ name }: NamedSet): readonly string[] {
  return scopeNames(name).slice(0, 2);
}

const mark = named({
  policy: { kind: "TracingPolicy", name: "mark" },
  mode: "enforce",
  scope: { host: true, pods: {} },
  hooks: [onGetpriority()],
});

/**
 * Sets that hold for nobody and make bitmaps longer: in three of four batches so that the selectors of the
 * others lie in a later word, in one of these also so that they lie in several, and in one so that no
 * program names each word.
 */
function fillers(policies: readonly NamedSet[], batch: number): readonly NamedSet[] {
  const ons = new Map(
    policies.flatMap(({ set }) => set.hooks.map(({ on }) => [JSON.stringify(on), on])),
  );
  const filler = (name: string, count: number): NamedSet =>
    aSet(
      name,
      ...Array.from(ons.values(), (on) => ({
        ...{ on, args: [] },
        selectors: Array.from({ length: count }, () => when()),
      })),
    );
  const length = (seed + batch) % 4;
  if (length === 0) return [];
  const before = filler("a", length === 3 ? 64 * enums.engine_limit.UNROLLED_MAX : 64);
  return [before, ...(length === 1 ? [] : [filler("p20-filler", 64)])];
}

/**
 * One in the host's namespaces, pid 1 and 2 of nested ones, some with fewer capabilities; of each
 * kind of namespace, some process has its own.
 */
async function startDrivers(cgroup: Cgroup): Promise<Driver[]> {
  const place = { cgroup, events };
  const time = existsSync("/proc/self/ns/time") ? "-T" : "";
  return [
    await startDriver(`${binaryRoot}/usr/bin/vi`, place),
    await startDriver(`unshare -u -pf ${binaryRoot}/usr/bin/cat`, { ...place, by: "unshare" }),
    await startDriver(`unshare -U -r -pf sh -c "${binaryRoot}/bin/sh; :"`, place),
    await startDriver(
      // Without any address in its network namespace it could bind sockets to every one.
      `unshare -i -n sh -c "ip link set lo up; exec unshare ${time} setpriv --bounding-set -sys_admin,-dac_override --inh-caps +chown ${binaryRoot}/usr/bin/vi"`,
      { ...place, by: "setpriv" },
    ),
    await startDriver(`unshare -C -m setpriv --reuid 65534 ${binaryRoot}/usr/bin/cat`, {
      ...place,
      by: "setpriv",
    }),
    await startDriver(protectedBinary, place),
  ];
}

/**
 * The set with the pids, executables and functions that are here, without what kills its process, and within
 * the engine's stated limits, beyond which it refuses a set.
 */
function forThisKernel(
  set: SelectorSet,
  [first, parent, self]: readonly [number, number, number],
  namespaces: readonly Process["namespaces"][],
): SelectorSet {
  const pids = new Map([
    [100, first],
    [101, parent],
    [2, self],
  ]);
  const condition = (one: Condition): Condition => {
    if (one.by === "namespace") return withInodes(one, namespaces);
    if (one.by === "parentBinary") return { ...one, values: one.values.map(parentPath) };
    if (one.by === "binary" && binaryOperator(one.op).form !== "postfix") {
      return { ...one, values: one.values.map((path) => binaryRoot + path) };
    }
    if (one.by !== "pid" || one.inNamespace) return one;
    return { ...one, values: one.values.map((pid) => pids.get(pid) ?? pid) };
  };
  // Who is executed ends by the signal that comes first, and at a tracepoint any may.
  const action = (one: Action, { kind }: Hook["on"]): Action =>
    one.action === "Sigkill" ||
    (one.action === "Signal" && ranks[kind] !== undefined && kind !== "exec")
      ? { action: "Signal", signal: 10 }
      : one;
  const actions = (all: readonly Action[], { on }: Hook) =>
    all
      .map((one) => action(one, on))
      .map((one) =>
        one.action === "Enforce" && !canOverride(on) ? { ...one, overrides: false } : one,
      )
      .filter((one) => canBeDone(one, on));
  const hook = (one: Hook): Hook => ({
    ...{ ...withFields(one), on: one.on.kind === "uprobe" ? ownFunction : one.on },
    selectors: one.selectors.map((selector) => ({
      ...(selector.workloads && { workloads: selector.workloads }),
      conditions: onePidTree(selector.conditions).map(condition),
      actions: actions(selector.actions, one),
    })),
  });
  return { ...set, hooks: set.hooks.filter(({ on }) => isHere(on)).map(hook) };
}

/** What the drivers are started by, in place of samples. */
function parentPath(sample: string): string {
  const paths = new Map([
    ["/usr/bin/vi", realpathSync("/usr/bin/sh")],
    ["/usr/bin/cat", "/usr/bin/unshare"],
    ["/bin/sh", "/usr/bin/setpriv"],
    ["/usr/bin/v", "/usr/bin/s"],
    ["x/x", "v"],
  ]);
  return paths.get(sample) ?? sample;
}

/** Without error injection only a security module's decision, and what new kernels let uprobes do. */
function canBeDone(one: Action, on: Hook["on"]): boolean {
  if (one.action === "Override") return canOverride(on);
  return (effectOf(one).notice?.error ?? 0) === 0 || canOverride(enforced);
}

/** What enforcers hook. */
const enforced = { kind: "kprobe", call: "sys_lseek", syscall: true } as const;

function canOverride({ kind }: Hook["on"]): boolean {
  if (kind === "lsm") return true;
  return features.includes(kind === "uprobe" ? "uprobe_override" : "fmod_ret_syscalls");
}

/** Functions of the kernel, of which each has others. */
const functions = new Set(readFileSync("/proc/kallsyms", "utf8").match(/(?<= [tT] )\w+$/gm));

/** Where this kernel has the new name in the record of task_rename: 6 in that of the shapes. */
const newName = readFileSync("/sys/kernel/tracing/events/task/task_rename/format", "utf8")
  .match(/field:.*/g)!
  .findIndex((line) => line.includes("newcomm"));

function withFields(hook: Hook): Hook {
  if (hook.on.kind !== "tracepoint") return hook;
  return { ...hook, args: hook.args.map((arg) => ({ ...arg, index: arg.index + newName - 6 })) };
}

function isHere(on: Hook["on"]): boolean {
  // Of two kinds of programs where something is executed nobody knows which comes first.
  if (on.kind === "tracepoint") return on.event === "task_rename";
  if (on.kind === "usdt") return false; // usdt.guest.test.ts has a program with probes
  // test/e2e/bypass/exec-list.guest.test.ts has programs that may run, and others.
  if (on.kind === "lsm" && on.hook === "bprm_check_security") return false;
  return on.kind !== "kprobe" || on.syscall || functions.has(on.call);
}

/** The condition with the namespaces of the host's pid 1, and of others, in place of samples. */
function withInodes(
  condition: Extract<Condition, { by: "namespace" }>,
  namespaces: readonly Process["namespaces"][],
): Condition {
  const values = condition.values.map(
    (value) =>
      namespaces[sampleInodes.indexOf(Number(value))]?.[condition.namespace]?.toString() ?? value,
  );
  return { ...condition, values: [...new Set(values)] };
}

/** The engine takes one matchPIDs In with followForks in a selector. */
function onePidTree(conditions: readonly Condition[]): readonly Condition[] {
  const first = conditions.find((one) => isPidTree(one));
  return conditions.filter((one) => one === first || !isPidTree(one));
}

function isPidTree(one: Condition): boolean {
  return one.by === "pid" && one.followForks && !one.inNamespace && one.op === "In";
}

/**
 * The hooks' events in the order in which they happened: a stop may be read before what came before
 * it, which is in the other ring.
 */
function inTime({ events: all, hooks }: Seen): readonly SeenHook[] {
  const times = all.flatMap(({ kind, ktime }) => (kind === "hook" ? [ktime] : []));
  return hooks
    .map((hook, i) => ({ hook, at: times[i]! }))
    .sort((a, b) => Number(a.at - b.at))
    .map(({ hook }) => hook);
}

/** Of programs at one tracepoint nobody knows which the kernel runs first. */
const ranks: Readonly<Partial<Record<Hook["on"]["kind"], number>>> = {
  ...{ rawTracepoint: 1, tracepoint: 2, exec: 3 },
};

function inRank(hooks: readonly SeenHook[], policies: readonly NamedSet[]): readonly SeenHook[] {
  const rankOf = ({ policy, hook }: SeenHook) => {
    const set = policies.find(({ name }) => name === policy)?.set;
    return ranks[set?.hooks[hook]?.on.kind ?? "kprobe"] ?? 0;
  };
  return hooks.toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** The hooks' events by the number of the call that made them. */
function byCall(hooks: readonly SeenHook[], calls: number): SeenHook[][] {
  const seen: SeenHook[][] = Array.from({ length: calls + 1 }, () => []);
  let current = calls;
  for (const hook of hooks) {
    if (hook.policy !== mark.name) seen[current]!.push(hook);
    else current = markOf(hook) === -1 ? calls : markOf(hook);
  }
  return seen;
}

function markOf({ args }: SeenHook): number {
  const number = args[1];
  assert.equal(number?.type, "int");
  return (number as { value: number }).value;
}

type Effect = {
  readonly events: readonly string[];
  readonly signals: readonly number[];
  readonly overridden: boolean;
};

function happened(hooks: readonly SeenHook[], { result, errno, signals }: Result): Effect {
  return {
    events: hooks.map((hook) => eventText({ ...hook, returned: textOf(hook.returned) })),
    signals: [...signals].sort(),
    overridden: result === -1 && errno === 1,
  };
}

function textOf(arg: HookArg | undefined): string | undefined {
  return arg !== undefined && "value" in arg ? String(arg.value) : undefined;
}

/** What its event says that a call returned, which its hook asks. */
function returnedText(
  { set, hook, returned: value }: Outcome,
  policies: readonly NamedSet[],
): string | undefined {
  const { returned } = policies.find(({ name }) => name === set)!.set.hooks[hook]!;
  if (returned === undefined) return undefined;
  return String(Object.values(readReturned(returned, value!, {}) as Reading)[0]);
}

function wanted(outcomes: readonly Outcome[], call: Call, policies: readonly NamedSet[]): Effect {
  const signals = [...new Set(outcomes.flatMap(({ signals }) => signals))];
  return {
    events: outcomes
      .filter(({ posted }) => posted)
      .map((outcome) =>
        eventText({
          ...{ ...outcome, policy: outcome.set, action: outcome.lastAction },
          ...{ stopped: outcome.stop === "stopped", wouldStop: outcome.stop === "wouldStop" },
          returned: returnedText(outcome, policies),
        }),
      ),
    // The first that is sent ends a process that has just been executed.
    signals: call.call === "exec" ? signals.slice(0, 1) : signals.sort(),
    overridden: outcomes.some(({ override }) => override !== undefined),
  };
}

type Said = Omit<SeenHook, "call" | "pid" | "args" | "returned" | "stacks"> & {
  readonly returned: string | undefined;
};

function eventText(event: Said) {
  const { policy, hook, selector, action, monitored, stopped, wouldStop, returned } = event;
  const flags = [
    ...(monitored ? [" monitored"] : []),
    ...(stopped ? [" stopped"] : []),
    ...(wouldStop ? [" would stop"] : []),
    ...(returned === undefined ? [] : [` returned ${returned}`]),
  ].join("");
  return `${policy} hook ${hook} selector ${selector} ${action}${flags}`;
}
