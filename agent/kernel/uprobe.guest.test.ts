import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileC } from "./testing/compile.ts";
import type { SeenHook } from "./testing/event-log.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn, upstreamCase } from "./testing/policies.ts";
import { Cgroup, type Ended, run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events, program } = kernel;
after(() => kernel.close());
const { features } = engine.features();
const canOverride = features.includes("uprobe_override");

const folder = "/tmp/uprobe";
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const subject = `${folder}/subject`;
const source = fileURLToPath(new URL("./testing/uprobe-subject.c", import.meta.url));
compileC(subject, [source], ["-O1", "-no-pie"]);

const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const done = (out: string): Ended => ({ code: 0, signal: null, out });
const fine = done("2\n3 0\n");

/** A policy with one uprobe on the subject. */
const onSubject = (hook: string, path = subject) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: p }
spec:
  uprobes:
  - path: ${path}
${hook.replaceAll(/^/gm, "    ")}
`);

async function programmed(set: ReturnType<typeof policyIn>): Promise<readonly string[]> {
  const [state] = await program([set]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  return state.attachments;
}

async function refusalOf(set: ReturnType<typeof policyIn>): Promise<string> {
  const [state] = await program([set]);
  return state?.state === "failed" ? `${state.reason} ${state.message}` : "programmed";
}

const seen = ({ call, action, stopped, args }: SeenHook) =>
  `${call} ${action}${stopped ? " stopped" : ""} ${args.map(textOf).join(" ")}`.trim();

function textOf(arg: SeenHook["args"][number]): string {
  if (arg.type === "error") return `errno ${arg.errno}`;
  if ("text" in arg) return arg.text;
  return "value" in arg ? String(arg.value) : arg.type;
}

const args = `args:
- { index: 0, type: string }
- { index: 1, type: int }
- { index: 2, type: int64 }`;

test("a call of a function is reported with its parameters, wherever it is said to be", async () => {
  const address = Number.parseInt(
    execFileSync("sh", ["-c", `nm ${subject} | grep ' greet$'`], { encoding: "utf8" }).split(
      " ",
    )[0]!,
    16,
  );
  const bases = execFileSync("readelf", ["-lW", subject], { encoding: "utf8" });
  const [, offset, base] = /LOAD +(0x\w+) (0x\w+) \w+ \w+ \w+ R E/.exec(bases)!.map(Number);
  const where = [
    "symbols: [greet]",
    `addrs: [${address}]`,
    `offsets: [${address - base! + offset!}]`,
  ];
  for (const place of where) {
    await programmed(onSubject(`${place}\n${args}`));
    const { hooks } = await events.during(async () => {
      assert.deepEqual(await run(subject, "secret", "4"), done("5\n3 0\n"));
    });
    assert.deepEqual(hooks.map(seen), [
      `${place.startsWith("sym") ? "greet" : ""} Post secret 4 -5`.trim(),
    ]);
  }
});

test("the status and the event say which file and function it is", async () => {
  const attachments = await programmed(onSubject("symbols: [greet, counted+0x0]"));
  assert.deepEqual(attachments, [`uprobe:${subject}:counted`, `uprobe:${subject}:greet`]);
  const { events: all } = await events.during(() => run(subject));
  const infos = all.flatMap((event) =>
    event.kind === "hook" ? [engine.hookOf(event.hook, event.entry)] : [],
  );
  assert.deepEqual(
    infos.map((info) => [info?.event, info?.names]),
    ["greet", "counted"].map((symbol) => ["process_uprobe", { path: subject, symbol }]),
  );
});

test("a process is killed for what it hands to a function, and one that is near to it is not", async () => {
  const deny = onSubject(`symbols: [greet]
${args}
selectors:
- matchArgs:
  - { index: 0, operator: Prefix, values: [secret] }
  - { index: 1, operator: GreaterThan, values: ["3"] }
  matchActions: [{ action: Sigkill }]`);
  await programmed(deny);
  const { hooks } = await events.during(async () => {
    assert.equal((await run(subject, "secrets", "4")).signal, "SIGKILL");
    assert.deepEqual(await run(subject, "secrets", "3"), done("4\n3 0\n"));
    assert.deepEqual(await run(subject, "public", "4"), done("5\n3 0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["greet Sigkill stopped secrets 4 -5"]);
  await program([inMode("monitor", deny)]);
  assert.deepEqual(await run(subject, "secrets", "4"), done("5\n3 0\n"));
});

test("a function is kept from running where the kernel lets uprobes do that, and refused elsewhere", async (t) => {
  const set = onSubject(`symbols: [greet]
${args}
selectors:
- matchArgs: [{ index: 0, operator: Equal, values: [secret] }]
  matchActions: [{ action: Override, argError: -1 }]`);
  if (!canOverride) {
    assert.equal(
      await refusalOf(set),
      `KernelLacks ${subject}:greet: Override of a program's function needs a kernel whose uprobes may write registers (Linux 6.18): use Sigkill`,
    );
    return t.skip("this kernel's uprobes write no registers: refused, which was shown");
  }
  assert.deepEqual(await programmed(set), [`uprobe_override:${subject}:greet`]);
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await run(subject, "secret", "4"), done("-1\n3 0\n"));
    assert.deepEqual(await run(subject, "public", "4"), done("5\n3 0\n"));
  });
  assert.deepEqual(hooks.map(seen), ["greet Override stopped secret 4 -5"]);
});

test("what is not in memory, or the kernel's, is not known: negated conditions are met, others not", async () => {
  for (const operator of ["Equal", "NotEqual"]) {
    await programmed(
      onSubject(`symbols: [greet]
${args}
selectors: [{ matchArgs: [{ index: 0, operator: ${operator}, values: [x] }] }]`),
    );
    const kernelText = execFileSync("sh", ["-c", "grep -w linux_banner /proc/kallsyms"], {
      encoding: "utf8",
    }).split(" ")[0]!;
    const { hooks } = await events.during(async () => {
      await run(subject, "untouched");
      await run(subject, "kernel", kernelText);
    });
    const want = operator === "Equal" ? [] : ["greet Post errno 14", "greet Post errno 14"];
    assert.deepEqual(
      hooks.map((hook) => seen(hook).split(" ").slice(0, 4).join(" ")),
      want,
    );
  }
});

test("a counter of listeners in the program is more than 0 while a policy listens", async () => {
  const sections = execFileSync("readelf", ["-SW", subject], { encoding: "utf8" });
  const [, offset] = /\.probes +PROGBITS +\w+ (\w+)/.exec(sections)!;
  await programmed(
    onSubject(`symbols: [counted]\nrefCtrOffsets: [${Number.parseInt(offset!, 16)}]`),
  );
  assert.deepEqual(await run(subject), done("2\n3 1\n"));
  await program([]);
  assert.deepEqual(await run(subject), fine);
});

test("a policy holds for processes in its scope only", async () => {
  const inside = new Cgroup("/sys/fs/cgroup/guardbee-uprobe");
  const set = onSubject("symbols: [greet]\nselectors: [{ matchActions: [{ action: Sigkill }] }]");
  await program([set], { host: [], cgroups: [{ id: inside.id, sets: [set.name] }] });
  await engine.hookFiles([{ path: "/", cgroup: inside.id, sets: [set.name] }]);
  assert.deepEqual(await inside.sh(`exec ${subject}`), killed);
  assert.deepEqual(await run(subject), fine);
});

test("functions of a stripped Go program are found", async () => {
  const go = `${folder}/gofmt`;
  execFileSync("sh", ["-c", `strip -o ${go} $(go env GOROOT)/bin/gofmt`]);
  await programmed(onSubject("symbols: [main.main]", go));
  const { hooks } = await events.during(() => sh(`${go} </dev/null`));
  // Go begins a function anew from its first instruction after it grew the stack or gave way to another
  // goroutine in the function's stack check (runtime/asm_amd64.s, morestack): one call, several hits.
  assert.deepEqual([...new Set(hooks.map(seen))], ["main.main Post"]);
});

test("upstream's uprobe sees a shell begin", async () => {
  await programmed(upstreamCase("uprobe"));
  const { hooks } = await events.during(() => sh("/bin/bash -c true"));
  assert.deepEqual(hooks.map(seen), ["main Post"]);
});

test("a file by its digest is hooked, and another is refused", async () => {
  const hex = createHash("sha256").update(readFileSync(subject)).digest("hex");
  await programmed(onSubject(`symbols: [greet]\nbinaryDigests: ["sha256:${hex}"]`));
  const other = `${folder}/other`;
  copyFileSync("/bin/true", other);
  assert.equal(
    await refusalOf(onSubject(`offsets: [4096]\nbinaryDigests: ["sha256:${hex}"]`, other)),
    `HookNotFound ${other}:offset 0x1000: of this node's file, the content has none of the policy's binaryDigests`,
  );
});

for (const [path, place, why] of [
  [
    `${folder}/none`,
    "symbols: [a]",
    "this node's /tmp/uprobe/none: open: No such file or directory; check the path, or select pods that have it",
  ],
  [
    folder,
    "symbols: [a]",
    "this node's /tmp/uprobe: open: Invalid argument; is no regular file; check the path, or select pods that have it",
  ],
  [
    "/dev/null",
    "symbols: [a]",
    "this node's /dev/null: open: Invalid argument; is no regular file; check the path, or select pods that have it",
  ],
  [subject, "symbols: [none]", "of this node's file, symbols have no function none"],
  [source, "symbols: [greet]", "of this node's file, e_ident is of no ELF file"],
] as const) {
  test(`${path} with ${place} is refused with the reason`, async () => {
    const name = place.match(/\[(.*)\]/)![1];
    assert.equal(await refusalOf(onSubject(place, path)), `HookNotFound ${path}:${name}: ${why}`);
  });
}
