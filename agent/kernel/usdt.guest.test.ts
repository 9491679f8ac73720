import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileC } from "./testing/compile.ts";
import type { SeenHook } from "./testing/event-log.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn } from "./testing/policies.ts";
import { type Ended, run } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events, program } = kernel;
after(() => kernel.close());

const folder = "/tmp/usdt";
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const subject = `${folder}/subject`;
const source = fileURLToPath(new URL("../elf/testing-probes.c", import.meta.url));
compileC(subject, [source], ["-O1", "-no-pie"]);

const onProbe = (name: string, rest = "", path = subject) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: p }
spec:
  usdts:
  - { path: ${path}, provider: app, name: ${name}${rest === "" ? "" : `, ${rest}`} }
`);

async function stateOf(set: ReturnType<typeof policyIn>): Promise<string> {
  const [state] = await program([set]);
  if (state?.state === "failed") return `${state.reason} ${state.message}`;
  return state?.state === "programmed" ? state.attachments.join(" ") : "none";
}

const done = (out: string): Ended => ({ code: 0, signal: null, out });
const seen = ({ call, action, stopped, args }: SeenHook) =>
  `${call} ${action}${stopped ? " stopped" : ""} ${args.map(textOf).join(" ")}`.trim();

function textOf(arg: SeenHook["args"][number]): string {
  if (arg.type === "error") return `errno ${arg.errno}`;
  if ("text" in arg) return arg.text;
  return "value" in arg ? String(arg.value) : arg.type;
}

const all = `args: [${[
  ...["{ index: 0, type: int32 }", "{ index: 1, type: string }", "{ index: 2, type: int32 }"],
  ...["{ index: 3, type: uint8 }", "{ index: 4, type: int64 }"],
].join(", ")}]`;

test("arguments are read in registers, in memory, and as the constants that they are", async () => {
  assert.equal(await stateOf(onProbe("begin", all)), `usdt:${subject}:app:begin`);
  const { hooks, events: records } = await events.during(async () => {
    assert.deepEqual(await run(subject, "hello"), done("-7\n0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["app:begin Post 5 hello -7 200 -9"]);
  const record = records.find((event) => event.kind === "hook")!;
  const info = engine.hookOf(record.hook, record.entry);
  assert.deepEqual(
    [info?.event, info?.names],
    ["process_usdt", { path: subject, provider: "app", name: "begin" }],
  );
});

test("each place of one name is hooked, with its own arguments, and told that somebody listens", async () => {
  await stateOf(onProbe("end", "args: [{ index: 0, type: uint32 }]"));
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await run(subject, "hello"), done("-7\n2\n"));
  });
  assert.deepEqual(hooks.map(seen), ["app:end Post 255", "app:end Post 3"]);
  await program([]);
  assert.deepEqual(await run(subject, "hello"), done("-7\n0\n"));
});

test("a process is killed for an argument, and one that is near to it is not", async () => {
  const matches = [
    "{ args: [1], operator: Equal, values: [secret] }",
    '{ args: [3], operator: GreaterThan, values: ["100"] }',
  ];
  const kill = `${all}, selectors: [{ matchArgs: [${matches.join(", ")}], matchActions: [{ action: Sigkill }] }]`;
  await stateOf(onProbe("begin", kill));
  const { hooks } = await events.during(async () => {
    assert.equal((await run(subject, "secret")).signal, "SIGKILL");
    assert.deepEqual(await run(subject, "secrets"), done("-7\n0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["app:begin Sigkill stopped 5 secret -7 200 -9"]);
});

test("what is in no memory is not known: negated conditions are met, others not", async () => {
  for (const operator of ["Equal", "NotEqual"]) {
    await stateOf(
      onProbe(
        "begin",
        `${all}, selectors: [{ matchArgs: [{ args: [2], operator: ${operator}, values: ["0"] }] }]`,
      ),
    );
    const { hooks } = await events.during(async () => {
      assert.deepEqual(await run(subject, "untouched"), done("0\n0\n"));
    });
    const want = ["app:begin Post 5 untouched errno 14 errno 14 -9"];
    assert.deepEqual(hooks.map(seen), operator === "Equal" ? [] : want);
  }
});

const setting = (index: number, value = 32) =>
  `${all}, selectors: [{ matchActions: [{ action: Set, argIndex: ${index}, argValue: ${value} }] }]`;

test("Set has the program go on with another number, in enforce mode alone", async () => {
  const set = onProbe("begin", setting(2));
  await stateOf(set);
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await run(subject, "hello"), done("32\n0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["app:begin Set stopped 5 hello -7 200 -9"]);
  await stateOf(onProbe("begin", setting(2, -1)));
  assert.deepEqual(await run(subject, "hello"), done("-1\n0\n"));
  await stateOf(inMode("monitor", set));
  assert.deepEqual(await run(subject, "hello"), done("-7\n0\n"));
});

test("what Set cannot write, because it is in no memory yet, is counted", async () => {
  await stateOf(onProbe("begin", setting(2)));
  const before = engine.losses().set_failed;
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await run(subject, "untouched"), done("0\n0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["app:begin Set 5 untouched errno 14 errno 14 -9"]);
  assert.equal(engine.losses().set_failed, before + 1n);
});

for (const [name, rest, why] of [
  ["none", "", ".note.stapsdt has no probe app:none"],
  ["end", "args: [{ index: 1, type: int32 }]", "the probe has 1 arguments, none with index 1"],
  [
    "odd",
    "args: [{ index: 0, type: int32 }]",
    "argument 0 of the probe is where nothing can be read: 4f@%xmm0",
  ],
  [
    "begin",
    setting(0),
    "argument 0 of the probe is no four bytes of memory, which Set writes: -4@%edi",
  ],
] as const) {
  test(`probe ${name} is refused: ${why}`, async () => {
    assert.equal(
      await stateOf(onProbe(name, rest)),
      `HookNotFound ${subject}:app:${name}: of this node's file, ${why}`,
    );
  });
}

test("a probe is hooked when its odd arguments are not read", async () => {
  await stateOf(onProbe("odd"));
  const { hooks } = await events.during(() => run(subject, "hello"));
  assert.deepEqual(hooks.map(seen), ["app:odd Post"]);
});
