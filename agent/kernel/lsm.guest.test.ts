import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { SeenHook } from "./testing/event-log.ts";
import { type GuestKernel, openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn, upstreamCase } from "./testing/policies.ts";
import { type Ended, run, sh } from "./testing/scene.ts";

/** Of each of the tasks that preempt one another. */
const calls = Number(process.env.GUARDBEE_CALLS ?? 4_000);
const modules = "/sys/kernel/security/lsm";
const isActive = readFileSync(modules, "utf8").split(",").includes("bpf");

const folder = "/tmp/lsm";
const [reader, shell, secret] = [`${folder}/reader`, `${folder}/shell`, `${folder}/secret`];
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
copyFileSync("/bin/cat", reader);
copyFileSync("/bin/sh", shell);
writeFileSync(secret, "x\n");

const ended = (out: string, code = 0): Ended => ({ code, signal: null, out });
const read = () => sh(`exec 2>&1; LC_ALL=C ${reader} ${secret}`);
const seen = ({ call, action, monitored, stopped }: SeenHook) =>
  `${call} ${action}${monitored ? " monitored" : ""}${stopped ? " stopped" : ""}`;

/** No `binary` opens the secret. */
const denyOpen = (binary: string, actions: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: no-secret }
spec:
  lsmhooks:
  - hook: file_open
    args: [{ index: 0, type: file }]
    selectors:
    - matchBinaries: [{ operator: In, values: [${binary}] }]
      matchArgs: [{ index: 0, operator: Equal, values: [${secret}] }]
      matchActions: ${actions}
`);
const noSecret = denyOpen(reader, "[{ action: Override, argError: -1 }]");
const noExec = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: no-exec }
spec:
  lsmhooks:
  - hook: bprm_check_security
    selectors:
    - matchBinaries: [{ operator: In, values: [${shell}] }]
      matchActions: [{ action: Override, argError: -13 }]
`);

/** What attaches the hooks of a policy, as its status names it. */
const ways = [
  {
    name: "as a security module",
    skip: !isActive && "BPF is none of this kernel's security modules",
    hides: false,
    attachments: { open: "lsm:file_open", exec: "lsm:bprm_check_security" },
  },
  {
    name: "where BPF is no security module",
    skip: false,
    hides: true,
    attachments: { open: "fmod_ret:security_file_open", exec: "fmod_ret:security_bprm_check" },
  },
];

for (const { name, skip, hides, attachments } of ways) {
  test(`${name}, Override of file_open denies the open, and monitor mode lets it pass`, {
    skip,
  }, async (t) => {
    const { program, events, engine } = await openKernel(t, hides);
    assert.deepEqual(await attachmentsOf(program, noSecret), [attachments.open]);
    const denied = await events.during(async () => {
      const error = `${reader}: ${secret}: Operation not permitted\n`;
      assert.deepEqual(await read(), ended(error, 1));
      assert.deepEqual(await sh(`cat ${secret}`), ended("x\n"));
    });
    assert.deepEqual(denied.hooks.map(seen), ["file_open Override stopped"]);
    assert.deepEqual(denied.hooks[0]!.args, [
      { type: "file", mode: 0o100644, path: secret, cut: false, deleted: false },
    ]);
    const record = denied.events.find((event) => event.kind === "hook")!;
    assert.equal(engine.hookOf(record.hook, record.entry)?.event, "process_lsm");
    await program([inMode("monitor", noSecret)]);
    const watched = await events.during(async () => assert.deepEqual(await read(), ended("x\n")));
    assert.deepEqual(watched.hooks.map(seen), ["file_open Override monitored"]);
  });

  test(`${name}, bprm_check_security denies an exec with the policy's error`, {
    skip,
  }, async (t) => {
    const { program, events } = await openKernel(t, hides);
    assert.deepEqual(await attachmentsOf(program, noExec), [attachments.exec]);
    const { hooks } = await events.during(async () => {
      const { out } = await run(shell, "-c", "exec 2>&1; LC_ALL=C /bin/echo hi; echo $?");
      assert.match(out, /Permission denied\n126\n$/);
    });
    assert.deepEqual(hooks.map(seen), ["bprm_check_security Override stopped"]);
  });

  test(`${name}, upstream's policy on file_open reports what cat opens`, { skip }, async (t) => {
    const { program, events } = await openKernel(t, hides);
    await program([upstreamCase("lsm_file_open")]);
    const { hooks } = await events.during(() => sh("/usr/bin/cat /etc/passwd /etc/hostname"));
    // Each file once, and in an overlay once more below it.
    assert.deepEqual(
      new Set(hooks.map(({ call, args }) => `${call} ${"path" in args[0]! && args[0].path}`)),
      new Set(["file_open /etc/passwd"]),
    );
  });
}

/** Tells most with `preempt=full`: `guest.ts --kernel debian-6.12 --append preempt=full`. */
test("tasks that are preempted in the program are decided each for itself", {
  skip: !isActive && "BPF is none of this kernel's security modules",
}, async (t) => {
  const perl = `${folder}/perl`;
  copyFileSync("/usr/bin/perl", perl);
  const { program, engine } = await openKernel(t, false);
  await program([denyOpen(perl, "[{ action: Override, argError: -1 }, { action: NoPost }]")]);
  // What is wrong: a denied open that succeeds, one of another file that fails.
  const script = `for (1 .. ${calls}) { $o++ if open(F, "<", "${secret}"); $d++ if !open(F, "<", "${reader}") } print $o + 0, " ", $d + 0`;
  const wrong = await Promise.all(Array.from({ length: 8 }, () => run(perl, "-e", script)));
  assert.deepEqual(
    wrong,
    wrong.map(() => ended("0 0")),
  );
  assert.equal(engine.losses().calls, 0n);
});

/** An engine; with `hides` one that sees no BPF among the security modules. */
async function openKernel(t: TestContext, hides: boolean): Promise<GuestKernel> {
  const kernel = await openGuestKernel(hides ? { said: { [modules]: "capability" } } : {});
  t.after(() => kernel.close());
  return kernel;
}

async function attachmentsOf(
  program: GuestKernel["program"],
  set: ReturnType<typeof policyIn>,
): Promise<readonly string[]> {
  const [state] = await program([set]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  return state.attachments;
}
