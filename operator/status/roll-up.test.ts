import assert from "node:assert/strict";
import { test } from "node:test";
import type { HookPoint, PolicyStatus } from "@guardbee/policy";
import type { NodeState } from "./node-state.ts";
import { type RollUpInput, rollUp } from "./roll-up.ts";

const on = (node: string) => ({ node, kernel: "6.1.0", arch: "x86_64" });
const programmed = (node: string): NodeState => ({
  ...on(node),
  state: "programmed",
  mode: "enforce",
});
const failed = (node: string, kernel = "6.12.0"): NodeState => ({
  ...on(node),
  kernel,
  state: "failed",
  reason: "KernelLacks",
  message: "kprobe_override is not there",
});
const pending = (node: string): NodeState => ({ ...on(node), state: "pending", untilMs: 1 });
const unreachable = (node: string): NodeState => ({ ...on(node), state: "unreachable" });

function aRollUp(given: Partial<RollUpInput> = {}): PolicyStatus {
  return rollUp({
    generation: 3,
    previous: undefined,
    judged: { kind: "accepted", mode: "enforce", enforces: true },
    nodes: [programmed("a"), programmed("b")],
    nowMs: Date.parse("2026-01-02T03:04:05.678Z"),
    ...given,
  });
}

/** `type=status reason: message` of each condition. */
function lines(status: PolicyStatus): readonly string[] {
  return (status.conditions ?? []).map(
    (one) => `${one.type}=${one.status} ${one.reason}: ${one.message}`,
  );
}

test("all nodes programmed: everything is True, nothing is Stalled or Reconciling", () => {
  const status = aRollUp();
  assert.deepEqual(lines(status), [
    "Accepted=True Accepted: the policy is valid",
    "ResolvedRefs=True ResolvedRefs: it refers to no other object",
    "Programmed=True Programmed: in force on 2 of 2 nodes",
    "Enforcing=True Enforcing: in force on 2 of 2 nodes",
    "Ready=True Programmed: in force on 2 of 2 nodes",
  ]);
  assert.deepEqual(status.mode, { requested: "enforce", observed: "enforce" });
  assert.deepEqual(status.nodes, {
    desired: 2,
    programmed: 2,
    failed: 0,
    pending: 0,
    unreachable: 0,
    summary: "2/2",
  });
  assert.equal(status.failures, undefined);
});

const hooking = (on: HookPoint): Partial<RollUpInput> => ({
  judged: {
    ...{ kind: "accepted", mode: "enforce", enforces: true },
    sets: [{ hooks: [{ on, args: [{ index: 0, type: "int" }], selectors: [] }] }],
  },
});
const systemCall = (call: string) => hooking({ kind: "kprobe", call, syscall: true });
const onConnect = systemCall("sys_connect");
const open = (node: string): NodeState => ({ ...on(node), ...takingInt80 });
const takingInt80 = { state: "programmed", mode: "enforce", takesInt80: true } as const;

test("where 32-bit processes have a way past a hook it says on how many nodes, and stays Ready", () => {
  const status = aRollUp({ ...onConnect, nodes: [open("a"), programmed("b"), open("c")] });
  const message =
    "in force on 3 of 3 nodes; on 2 nodes, 32-bit system calls (int 0x80) by socketcall are neither seen nor stopped";
  assert.deepEqual(lines(status).slice(2), [
    `Programmed=True Programmed: ${message}`,
    `Enforcing=True Enforcing: ${message}`,
    `Ready=True Programmed: ${message}`,
  ]);
});

test("it says so beside what else is to be said, of the nodes that hold it", () => {
  const failing = aRollUp({ ...onConnect, nodes: [open("a"), failed("c")] });
  assert.equal(
    lines(failing)[4],
    "Ready=False NodesFailed: 1 of 2 nodes cannot hold it (c): KernelLacks: kprobe_override is not there" +
      "; on 1 node, 32-bit system calls (int 0x80) by socketcall are neither seen nor stopped",
  );
  const given = onConnect.judged?.kind === "accepted" ? onConnect.judged : undefined;
  const monitored = aRollUp({ judged: { ...given!, mode: "monitor" }, nodes: [open("a")] });
  assert.match(
    lines(monitored)[4] ?? "",
    /^Ready=True .*; on 1 node, 32-bit system calls \(int 0x80\) by socketcall/,
  );
});

test("it says in how many pods it was not in force at first, and stays Ready", () => {
  const late = (node: string, latePods: number): NodeState =>
    ({ ...programmed(node), latePods }) as NodeState;
  const one = aRollUp({ nodes: [late("a", 1), programmed("b")] });
  const message =
    "in force on 2 of 2 nodes; 1 pod came while its node had no agent, and it was not in force there at first";
  assert.equal(lines(one)[4], `Ready=True Programmed: ${message}`);
  assert.equal(lines(one)[3], `Enforcing=True Enforcing: ${message}`);
  const more = aRollUp({ nodes: [late("a", 1), late("b", 2)] });
  assert.match(lines(more)[4] ?? "", /; 3 pods came while 2 nodes had no agent, and it was not in/);
});

test("where somebody changed what is in the kernel it says on which node, and stays Ready", () => {
  const tampered = (node: string): NodeState => ({
    ...on(node),
    ...{ state: "programmed", mode: "enforce", tampered: true },
  });
  const ready = (...nodes: readonly NodeState[]) => lines(aRollUp({ nodes })).at(-1);
  const what =
    "something of Guardbee's in the kernel was changed or removed by others, and put right";
  assert.equal(
    ready(programmed("a"), tampered("b")),
    `Ready=True Programmed: in force on 2 of 2 nodes; on node b, ${what}`,
  );
  assert.equal(
    ready(tampered("c"), tampered("b")),
    `Ready=True Programmed: in force on 2 of 2 nodes; on 2 nodes (b is one), ${what}`,
  );
});

const sayNothing: readonly { name: string; given: Partial<RollUpInput> }[] = [
  { name: "no kernel takes them", given: onConnect },
  { name: "no node holds it", given: { ...onConnect, nodes: [failed("a")] } },
  {
    name: "the hook is on all ways to make the call",
    given: { ...systemCall("sys_write"), nodes: [open("a")] },
  },
  {
    name: "it hooks a kernel function",
    given: {
      ...hooking({ kind: "kprobe", call: "fd_install", syscall: false }),
      nodes: [open("a")],
    },
  },
  { name: "it hooks execs", given: { ...hooking({ kind: "exec" }), nodes: [open("a")] } },
];
for (const { name, given } of sayNothing) {
  test(`nothing is said of 32-bit system calls where ${name}`, () => {
    assert.doesNotMatch(JSON.stringify(aRollUp(given)), /32-bit/);
  });
}

test("every condition carries the generation and the time of its last change", () => {
  const before = aRollUp({ generation: 2, nowMs: 0, nodes: [pending("a")] });
  const after = aRollUp({ previous: before });
  assert.deepEqual(
    after.conditions?.map((one) => [one.type, one.observedGeneration, one.lastTransitionTime]),
    [
      ["Accepted", 3, "1970-01-01T00:00:00Z"],
      ["ResolvedRefs", 3, "1970-01-01T00:00:00Z"],
      ["Programmed", 3, "2026-01-02T03:04:05Z"],
      ["Enforcing", 3, "2026-01-02T03:04:05Z"],
      ["Ready", 3, "2026-01-02T03:04:05Z"],
    ],
  );
});

test("a failed node: NodesFailed with one group that names reason, kernel and node", () => {
  const status = aRollUp({ nodes: [programmed("a"), failed("c"), programmed("b")] });
  const message = "1 of 3 nodes cannot hold it (c): KernelLacks: kprobe_override is not there";
  assert.deepEqual(lines(status).slice(2), [
    `Programmed=False NodesFailed: ${message}`,
    `Enforcing=False NodesFailed: ${message}`,
    `Ready=False NodesFailed: ${message}`,
    `Stalled=True NodesFailed: ${message}`,
  ]);
  assert.equal(status.nodes?.summary, "2/3");
  assert.deepEqual(status.failures, [
    {
      reason: "KernelLacks",
      message: "kprobe_override is not there",
      kernel: "6.12.0",
      arch: "x86_64",
      count: 1,
      nodes: ["c"],
    },
  ]);
  assert.equal(status.mode?.observed, "enforce");
});

test("pending nodes: Unknown and Reconciling, with their names", () => {
  const status = aRollUp({ nodes: [programmed("a"), pending("c"), pending("b")] });
  const message = "2 of 3 nodes have yet to report: b, c";
  assert.deepEqual(lines(status).slice(2), [
    `Programmed=Unknown Pending: ${message}`,
    `Enforcing=Unknown Pending: ${message}`,
    `Ready=Unknown Pending: ${message}`,
    `Reconciling=True Pending: ${message}`,
  ]);
});

test("a node that failed and holds the version before counts for the mode observed", () => {
  const before = { ...failed("a"), holds: "enforce" } as const;
  const status = aRollUp({ nodes: [before, failed("b")] });
  assert.equal(status.mode?.observed, "enforce");
  assert.equal(status.nodes?.summary, "0/2");
});

test("failed and pending nodes: False and still Reconciling, not Stalled", () => {
  const status = aRollUp({ nodes: [failed("a"), pending("b")] });
  assert.deepEqual(
    status.conditions?.map((one) => `${one.type}=${one.status}`),
    [
      "Accepted=True",
      "ResolvedRefs=True",
      "Programmed=False",
      "Enforcing=False",
      "Ready=False",
      "Reconciling=True",
    ],
  );
});

test("an unreachable node beside programmed ones does not hold up Ready, and is named", () => {
  const status = aRollUp({ nodes: [programmed("a"), unreachable("b")] });
  assert.equal(lines(status)[4], "Ready=True Programmed: in force on 1 of 2 nodes; unreachable: b");
  assert.equal(status.nodes?.summary, "1/2");
});

test("only unreachable nodes: Ready is Unknown", () => {
  const status = aRollUp({ nodes: [unreachable("b")] });
  assert.equal(
    lines(status)[4],
    "Ready=Unknown NodesUnreachable: in force on 0 of 1 nodes; unreachable: b",
  );
  assert.equal(status.mode?.observed, "none");
});

test("no node matches: Ready says that it is in force nowhere", () => {
  const status = aRollUp({ nodes: [] });
  assert.equal(
    lines(status)[4],
    "Ready=True NoNodes: no node matches its nodeSelector, so it is in force nowhere",
  );
  assert.equal(lines(status)[3]?.split(":")[0], "Enforcing=False NoNodes");
  assert.equal(status.nodes?.summary, "0/0");
});

test("a refused policy is Stalled and lists its problems", () => {
  const problem = { field: "spec.kprobes", what: "is empty", fix: "add one", kind: "invalid" };
  const status = aRollUp({
    judged: {
      kind: "refused",
      reason: "InvalidSpec",
      problems: [{ ...problem, kind: "invalid" }],
    },
    nodes: [],
  });
  assert.deepEqual(lines(status), [
    "Accepted=False InvalidSpec: spec.kprobes: is empty; add one",
    "ResolvedRefs=True ResolvedRefs: it refers to no other object",
    "Programmed=False NotAccepted: no node holds this policy",
    "Enforcing=False NotAccepted: no node holds this policy",
    "Ready=False InvalidSpec: spec.kprobes: is empty; add one",
    "Stalled=True InvalidSpec: spec.kprobes: is empty; add one",
  ]);
});

test("a refused edit says where the earlier generation stays in force", () => {
  const status = aRollUp({ judged: { kind: "refused", reason: "NotSupported", problems: [] } });
  assert.equal(
    lines(status)[2],
    "Programmed=False NotAccepted: what was accepted before stays in force on 2 of 2 nodes",
  );
  assert.equal(status.mode?.observed, "enforce");
});

test("a refused bundle says where the last good one stays in force, and why its source fails too", () => {
  const status = aRollUp({
    judged: { kind: "refused", reason: "InvalidRego", problems: [], lastGood: {} },
    unresolved: "Unreachable: down",
  });
  assert.deepEqual(lines(status).slice(1, 3), [
    "ResolvedRefs=False BundleFailed: Unreachable: down",
    "Programmed=False NotAccepted: the last good bundle stays in force on 2 of 2 nodes",
  ]);
});

test("of failures that no status has room for those of most nodes are kept", () => {
  const nodes = Array.from({ length: 100 }, (_, i) => ({
    ...{
      ...failed(`${i}-${"n".repeat(240)}`, `${i % 20}-${"k".repeat(126)}`),
      arch: "a".repeat(64),
    },
    ...{ reason: "R".repeat(64), message: "\u0001".repeat(320) },
  }));
  const status = aRollUp({ nodes: nodes as unknown as readonly NodeState[] });
  assert.ok(Buffer.byteLength(JSON.stringify(status)) <= 8_000);
  const groups = status.failures?.length ?? 0;
  assert.ok(groups > 0 && groups < 10);
});

const sizes: readonly { name: string; node: string; text: string }[] = [
  { name: "short names", node: "node", text: "m" },
  { name: "the longest names that a node may have", node: "n".repeat(247), text: "m" },
  { name: "text of three bytes a character", node: "n".repeat(60), text: "値" },
];
for (const { name, node, text } of sizes) {
  test(`a status stays below 8 kB however many problems, groups and nodes there are: ${name}`, () => {
    const problems = Array.from({ length: 10_000 }, (_, i) => ({
      field: `spec.kprobes[0].selectors[0].matchArgs[0].values[${i}]`,
      what: `is ${text.repeat(300)}`,
      fix: "write a path",
      kind: "invalid" as const,
    }));
    const nodes = Array.from({ length: 5_000 }, (_, i) => {
      const one = failed(`${node}-${i}`, `6.${i % 40}.0-${"k".repeat(24)}`);
      return one.state === "failed" ? { ...one, message: text.repeat(2_000) } : one;
    });
    const waiting = Array.from({ length: 5_000 }, (_, i) => pending(`${node}-${i}`));
    const refused = aRollUp({
      judged: { kind: "refused", reason: "InvalidSpec", problems },
      nodes,
    });
    const bytes = [refused, aRollUp({ nodes }), aRollUp({ nodes: waiting })].map((status) =>
      Buffer.byteLength(JSON.stringify(status)),
    );
    assert.ok(Math.max(...bytes) <= 8192, `are ${bytes} bytes`);
    assert.match(refused.conditions?.[4]?.message ?? "", /\(\+9999 more, see Accepted\)$/);
  });
}

const modes: readonly { name: string; given: Partial<RollUpInput>; want: readonly string[] }[] = [
  {
    name: "monitor mode",
    given: {
      judged: { kind: "accepted", mode: "monitor", enforces: true },
      nodes: [{ ...on("a"), state: "programmed", mode: "monitor" }],
    },
    want: ["monitor", "monitor", "Enforcing=False MonitorMode"],
  },
  {
    name: "no action that stops anything",
    given: { judged: { kind: "accepted", mode: "enforce", enforces: false } },
    want: ["enforce", "monitor", "Enforcing=False ReportsOnly"],
  },
  {
    name: "a change of mode under way",
    given: {
      nodes: [programmed("a"), { ...on("b"), state: "pending", untilMs: 1, holds: "monitor" }],
    },
    want: ["enforce", "mixed", "Enforcing=Unknown Pending"],
  },
];
for (const { name, given, want } of modes) {
  test(`mode with ${name}`, () => {
    const status = aRollUp(given);
    const { requested, observed } = status.mode ?? {};
    assert.deepEqual([requested, observed, lines(status)[3]?.split(":")[0]], want);
  });
}

test("a set that the API server refuses: False with its words, while what was before stays", () => {
  const undistributed = "PATCH /apis/x: 500 .spec.more: field not declared in schema";
  const says =
    "DistributionFailed: the API server refuses its SelectorSet, which is tried again: " +
    "PATCH /apis/x: 500 .spec.more: field not declared in schema";
  const before = "what was accepted before stays in force on 1 of 2 nodes";
  const status = aRollUp({ undistributed, nodes: [programmed("a"), failed("b")] });
  assert.deepEqual(lines(status), [
    "Accepted=True Accepted: the policy is valid",
    "ResolvedRefs=True ResolvedRefs: it refers to no other object",
    `Programmed=False ${says}; ${before}`,
    `Enforcing=False ${says}; ${before}`,
    `Ready=False ${says}; ${before}`,
    `Reconciling=True ${says}; ${before}`,
  ]);
  assert.equal(status.failures, undefined);
  const [, , none] = lines(aRollUp({ undistributed: "x".repeat(5_000), nodes: [] }));
  assert.ok(none!.endsWith("x…; no node holds this policy"));
  assert.ok(none!.length < 1_000);
});
