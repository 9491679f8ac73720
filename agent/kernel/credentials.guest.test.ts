import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { homedir, release } from "node:os";
import { after, test } from "node:test";
import type { Arg, Condition, Hook } from "@guardbee/policy";
import { argJson } from "../args/index.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, upstreamCase, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

type Shown = Record<string, unknown>;

/** What is reported meanwhile: the policy's name, the function, and the arguments as events have them. */
async function reported(scene: () => unknown) {
  const { hooks } = await events.during(scene);
  return hooks.map(({ policy, call, args }) => ({
    ...{ policy: policy.slice("tracingpolicy.".length), call },
    args: args.map((arg) => JSON.parse(argJson(arg, undefined)) as Shown),
  }));
}

/** The capabilities of a process that this one starts, in hexadecimal. */
const effective = readFileSync("/proc/self/status", "utf8").match(/^CapEff:\s*(\w+)$/m)![1]!;

test("upstream's policy reports a process that changes its capabilities, and who it was", async () => {
  await kernel.program([upstreamCase("privileges-raise")]);
  const seen = await reported(() => sh("setpriv --inh-caps=+chown true"));
  // The last is the one that adds to them.
  const capset = seen.filter(({ call }) => call === "security_capset").at(-1);
  const [{ process_credentials_arg: cred }, ...sets] = capset!.args as [Shown, ...Shown[]];
  const { uid, euid, gid, user_ns } = cred as { [name: string]: Shown };
  assert.deepEqual({ uid, euid, gid }, { uid: 0, euid: 0, gid: 0 });
  assert.equal(user_ns!.level, 0);
  assert.deepEqual(sets, [
    { cap_effective_arg: effective },
    { cap_inheritable_arg: "0000000000000001" },
    { cap_permitted_arg: effective },
  ]);
});

test("upstream's policy reports new credentials in nested pid namespaces alone", async () => {
  await kernel.program([upstreamCase("process-creds-installed")]);
  const change = "setpriv --reuid 1000 --clear-groups true";
  assert.deepEqual(await reported(() => sh(change)), []);
  const seen = await reported(() => sh(`unshare -pf sh -c "${change}; :"`));
  const creds = seen.map(({ args: [cred] }) => cred!.process_credentials_arg as Shown);
  const changed = creds.find(({ uid }) => uid === 1000);
  const { caps, user_ns, ...ids } = changed!;
  const [root, user] = [0, 1000];
  assert.deepEqual(ids, {
    ...{ uid: user, gid: root, euid: user, egid: root },
    ...{ suid: user, sgid: root, fsuid: user, fsgid: root, securebits: ["SecBitKeepCaps"] },
  });
  // They are kept, and in force no more.
  const { permitted, ...others } = caps as { permitted: readonly string[] };
  assert.ok(permitted.includes("CAP_SYS_ADMIN"));
  assert.deepEqual(others, {});
  const { ns, ...namespace } = user_ns as { ns: Shown };
  assert.deepEqual(namespace, { level: 0, uid: 0, gid: 0 });
  assert.equal(ns.is_host, true);
});

test("sets of capabilities are compared as wholes, and by what is in them", async () => {
  const onCapset = (op: Extract<Condition, { by: "arg" }>["op"], value: string): Hook => ({
    on: { kind: "kprobe", call: "security_capset", syscall: false },
    args: [{ index: 3, type: "cap_inheritable" }],
    selectors: [when({ by: "arg", arg: 0, op, values: [value] })],
  });
  const chownAndKill = String(1 | (1 << 5));
  await kernel.program([
    aSet("equal", onCapset("Equal", chownAndKill)),
    aSet("chown", onCapset("Mask", "1")),
    aSet("not-empty", onCapset("NotEqual", "0")),
    aSet("other", onCapset("Mask", "2")),
  ]);
  const policies = async (script: string) => [
    ...new Set((await reported(() => sh(script))).map(({ policy }) => policy)),
  ];
  assert.deepEqual(await policies("setpriv --inh-caps=+chown,+kill true"), [
    ...["chown", "equal", "not-empty"],
  ]);
  assert.deepEqual(await policies("setpriv --inh-caps=+chown true"), ["chown", "not-empty"]);
});

test("CapabilitiesGained asks what one set has that another has not", async () => {
  const onCapset = (from: number, to: number): Hook => ({
    on: { kind: "kprobe", call: "security_capset", syscall: false },
    args: [
      { index: 2, type: "cap_effective" },
      { index: 3, type: "cap_inheritable" },
    ],
    selectors: [when({ by: "gained", op: "CapabilitiesGained", old: from, new: to })],
  });
  await kernel.program([aSet("effective", onCapset(1, 0)), aSet("inheritable", onCapset(0, 1))]);
  const policies = async (script: string) => [
    ...new Set((await reported(() => sh(script))).map(({ policy }) => policy)),
  ];
  assert.deepEqual(await policies("setpriv --inh-caps=+chown true"), ["effective"]);
});

test("a capability is compared, and reported with the namespace that it is asked for in", async () => {
  const args: readonly Arg[] = [
    { index: 0, type: "user_namespace" },
    { index: 1, type: "capability" },
  ];
  const chroot = when({ by: "arg", arg: 1, op: "Equal", values: ["18"] });
  const on = { kind: "kprobe", call: "ns_capable", syscall: false } as const;
  await kernel.program([aSet("p", { on, args, selectors: [chroot] })]);
  const [asked] = await reported(() => sh("chroot / true"));
  const [{ user_ns_arg }, capability] = asked!.args as [Shown, Shown];
  const { ns, ...namespace } = user_ns_arg as { ns: Shown };
  assert.deepEqual(namespace, { level: 0, uid: 0, gid: 0 });
  assert.equal(ns.is_host, true);
  assert.deepEqual(capability, { capability_arg: { value: 18, name: "CAP_SYS_CHROOT" } });
});

test("upstream's policy reports a module that is loaded and one that is freed, where there are any", async () => {
  const file = `${homedir()}/.cache/guardbee/lab/*/lib/modules/${release()}/kernel/drivers/net/dummy.ko`;
  const modules = globSync(file);
  const [state] = await kernel.program([upstreamCase("monitor-kernel-modules")]);
  const seen = await reported(() => sh(`insmod ${modules[0]}; rmmod dummy`));
  const told = seen.flatMap(({ call, args: [arg] }) =>
    arg?.module_arg === undefined ? [] : [[call, arg.module_arg]],
  );
  // The lab's own kernel has everything compiled in.
  const name = { name: "dummy" };
  const want =
    modules.length === 0
      ? { state: "failed", told: [] }
      : {
          state: "programmed",
          told: ["do_init_module", "free_module"].map((call) => [call, name]),
        };
  assert.deepEqual({ state: state!.state, told }, want);
});
