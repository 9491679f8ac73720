import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, test } from "node:test";
import type { Hook } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, upstreamCase } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

type TextOperator = "Equal" | "NotEqual" | "Prefix" | "NotPrefix" | "Postfix" | "NotPostfix";

const folder = "/tmp/string";
mkdirSync(folder, { recursive: true });
/** mount(2), not the calls that took its place. */
const mount = (source: string, type: string) =>
  sh(`LIBMOUNT_FORCE_MOUNT2=always mount -i -t ${type} ${source} ${folder} || exit 1`);
const unmount = () => sh(`umount ${folder}`);

/** What is reported meanwhile: the policy's name, and its arguments. */
async function textsDuring(scene: () => unknown) {
  const { hooks } = await events.during(scene);
  return hooks.map(({ policy, args }) => [
    policy.slice("tracingpolicy.".length),
    ...args.map((arg) => ("text" in arg ? arg.text : arg.type)),
  ]);
}

test("upstream's policy on mount(2) reports the texts that the process gave", async () => {
  await kernel.program([upstreamCase("sys_mount")]);
  const texts = await textsDuring(() => mount("guardbee", "tmpfs"));
  assert.deepEqual(texts, [["syscalls", "guardbee", folder]]);
  await unmount();
});

/** On a function of the kernel, which has copied the texts: of what device and what type. */
const onMount = (...selectors: Hook["selectors"]): Hook => ({
  on: { kind: "kprobe", call: "security_sb_mount", syscall: false },
  args: [
    { index: 0, type: "string" },
    { index: 2, type: "string" },
  ],
  selectors,
});

test("texts of the kernel are compared from their first byte to their NUL", async () => {
  const compare = (op: TextOperator, value: string) =>
    onMount({ conditions: [{ by: "arg", arg: 0, op, values: [value] }], actions: [] });
  const sets = [
    ...[aSet("equal", compare("Equal", "guardbee")), aSet("shorter", compare("Equal", "guard"))],
    ...[aSet("longer", compare("Equal", "guardbees")), aSet("not", compare("NotEqual", "guard"))],
    ...[aSet("begins", compare("Prefix", "guard")), aSet("other", compare("Prefix", "bee"))],
    aSet("begins-not", compare("NotPrefix", "guard")),
    ...[aSet("ends", compare("Postfix", "bee")), aSet("ends-not", compare("NotPostfix", "ard"))],
    ...[
      aSet("whole", compare("Postfix", "guardbee")),
      aSet("more", compare("Postfix", "xguardbee")),
    ],
  ];
  await kernel.program(sets);
  const texts = await textsDuring(() => mount("guardbee", "tmpfs"));
  assert.deepEqual(
    texts,
    ["begins", "ends", "ends-not", "equal", "not", "whole"].map((policy) => [
      policy,
      "guardbee",
      "tmpfs",
    ]),
  );
  await unmount();
});

test("who mounts a file system of a type that a policy forbids is killed, others are not", async () => {
  const forbidden = onMount({
    conditions: [{ by: "arg", arg: 1, op: "Equal", values: ["tmpfs"] }],
    actions: [{ action: "Sigkill" }],
  });
  await kernel.program([aSet("p", forbidden)]);
  const { code } = await mount("guardbee", "ramfs");
  assert.equal(code, 0);
  await unmount();
  const { code: killed } = await mount("guardbee", "tmpfs");
  assert.equal(killed, 1);
  await unmount();
});

test("a text that cannot be read is an error, and meets negated conditions only", async () => {
  const hook = (conditions: Hook["selectors"][number]["conditions"]): Hook => ({
    on: { kind: "kprobe", call: "sys_getpriority", syscall: true },
    args: [{ index: 0, type: "string" }],
    selectors: [{ conditions, actions: [] }],
  });
  const set = (name: string, op: TextOperator) =>
    aSet(name, hook([{ by: "arg", arg: 0, op, values: ["x"] }]));
  const positive = [set("equal", "Equal"), set("postfix", "Postfix"), set("prefix", "Prefix")];
  const negated = [
    ...[set("not", "NotEqual"), set("not-postfix", "NotPostfix")],
    set("not-prefix", "NotPrefix"),
  ];
  await kernel.program([aSet("any", hook([])), ...positive, ...negated]);
  const texts = await textsDuring(() => sh("renice -n 0 -p 1"));
  assert.deepEqual(
    [...new Set(texts.flat())],
    ["any", "error", "not", "not-postfix", "not-prefix"],
  );
});
