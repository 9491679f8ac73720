import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileHashOf } from "../records/file-hash.ts";
import type { HookRecord, KernelRecord } from "../records/kernel-record.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn, upstreamCase } from "./testing/policies.ts";
import { type Ended, run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const isModule = readFileSync("/sys/kernel/security/lsm", "utf8").split(",").includes("bpf");
/** The kernel measures files. */
const measures = (await sh("grep -q ' ima_file_hash$' /proc/kallsyms")).code === 0;
const folder = "/tmp/contrib/tester-progs";
mkdirSync(folder, { recursive: true });
const nop = `${folder}/nop`;
copyFileSync("/usr/bin/true", nop);
writeFileSync(`${folder}/secret`, "x\n");
chmodSync(`${folder}/secret`, 0o400);

/** As the events say it, by the tool of the algorithm's name. */
async function hashBy(text: string | undefined, path: string): Promise<string | undefined> {
  const [algorithm] = text?.split(":") ?? [];
  if (algorithm === undefined) return undefined;
  const { out } = await run(`/usr/bin/${algorithm}sum`, path);
  return `${algorithm}:${out.split(" ")[0]}`;
}

function hooksIn(records: readonly KernelRecord[]): readonly HookRecord[] {
  return records.filter((one) => one.kind === "hook");
}

const nopRun = () => run("/usr/bin/bash", "-c", `${nop}; exit $?`);
const refused: Ended = { code: 126, signal: null, out: "" };
const skip = !isModule && "BPF is none of this kernel's security modules";

test("upstream's policy refuses a program, and its event has the hash that the kernel measures", {
  skip,
}, async () => {
  const [state] = await kernel.program([upstreamCase("lsm_bprm_check")]);
  assert.equal(state!.state, "programmed", JSON.stringify(state));
  const seen = await events.during(async () => {
    for (let i = 0; i < 3; i++) assert.deepEqual(await nopRun(), refused);
  });
  assert.deepEqual(
    seen.hooks.map(({ call, stopped }) => [call, stopped]),
    Array(3).fill(["bprm_check_security", true]),
  );
  const hashes = hooksIn(seen.events).map(fileHashOf);
  assert.equal(hashes[0] !== undefined, measures);
  const want = await hashBy(hashes[0], nop);
  assert.deepEqual(hashes, [want, want, want]);
  assert.equal(kernel.waiting(), 0);
});

const policy = (name: string, hook: string, action: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  lsmhooks:
  - hook: ${hook}
    args: [{ index: 0, type: ${hook.startsWith("bprm") ? "linux_binprm" : "file"} }]
    selectors:
    - matchArgs: [{ index: 0, operator: Prefix, values: [${folder}/] }]
      matchActions: ${action}
`);

test("of several policies on a hook each event has the hash that it asks for, and one refuses", {
  skip,
}, async () => {
  const sets = [
    policy("hash", "bprm_check_security", "[{ action: Post, imaHash: true }]"),
    policy("more", "bprm_check_security", "[{ action: Post, imaHash: true }]"),
    policy("plain", "bprm_check_security", "[{ action: Post }]"),
  ];
  const refusing = policy("refuse", "bprm_check_security", "[{ action: Override, argError: -1 }]");
  for (const [also, want] of [
    [[], { ...refused, code: 0 }],
    [[refusing], refused],
  ] as const) {
    await kernel.program([...sets, ...also]);
    const seen = await events.during(async () => assert.deepEqual(await nopRun(), want));
    const hashes = hooksIn(seen.events).map((record, i) => {
      return [seen.hooks[i]!.policy, fileHashOf(record) !== undefined];
    });
    assert.deepEqual(
      new Map(hashes as [string, boolean][]),
      new Map([...sets, ...also].map(({ name }) => [name, measures && /hash|more/.test(name)])),
    );
    assert.equal(kernel.waiting(), 0);
  }
});

test("what is refused stays refused while policies that ask for a hash come and go", {
  skip,
}, async () => {
  const [hash, refusing] = [
    policy("hash", "bprm_check_security", "[{ action: Post, imaHash: true }]"),
    policy("refuse", "bprm_check_security", "[{ action: Override, argError: -1 }]"),
  ];
  await kernel.program([refusing!]);
  const runs = run(
    "/usr/bin/bash",
    "-c",
    `while [ ! -e /tmp/enough ]; do ${nop} && echo passed; done`,
  );
  for (let i = 0; i < 10; i++) await kernel.program(i % 2 === 0 ? [hash!, refusing!] : [refusing!]);
  writeFileSync("/tmp/enough", "");
  assert.equal((await runs).out, "");
});

test("an open that asks for a hash is reported once, hashed or not", { skip }, async () => {
  await kernel.program([policy("open", "file_open", "[{ action: Post, imaHash: true }]")]);
  const seen = await events.during(() =>
    sh(`echo text >> ${folder}/written; cat ${folder}/secret`),
  );
  assert.equal(seen.hooks.length, 2);
});

test("where as many files are hashed as may be, an event of one more has no hash, and that is counted", {
  skip,
}, async () => {
  await kernel.program([
    policy("hash", "bprm_check_security", "[{ action: Post, imaHash: true }]"),
  ]);
  const before = kernel.engine.losses().hash_full;
  await kernel.withoutRoomToHash(async () => {
    const seen = await events.during(nopRun);
    assert.deepEqual(hooksIn(seen.events).map(fileHashOf), [undefined]);
  });
  assert.equal(kernel.engine.losses().hash_full - before, 1n);
});

test("where BPF is no security module the policy is refused, and why is said", {
  skip: isModule && "BPF is one of them",
}, async () => {
  const [state] = await kernel.program([upstreamCase("lsm_bprm_check")]);
  assert.ok(state!.state === "failed" && /imaHash/.test(state!.message), JSON.stringify(state));
});
