import assert from "node:assert/strict";
import { existsSync, readlinkSync } from "node:fs";
import { after, test } from "node:test";
import type { Condition } from "@guardbee/policy";
import { upstreamNamespaces } from "../../policy/schema/vocabulary.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, upstreamCase, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

type Kind = (typeof upstreamNamespaces)[number];
const inNamespace = (op: "In" | "NotIn", namespace: Kind, ...values: string[]): Condition => ({
  ...{ by: "namespace", op, namespace, values },
});

/** The names of the policies that nice(1), run by `command`, is reported by. */
async function reportedBy(command: string): Promise<readonly string[]> {
  const { hooks } = await events.during(() => sh(`${command} nice true`));
  return [...new Set(hooks.map(({ policy }) => policy.slice("tracingpolicy.".length)))].sort();
}

const noTime = !existsSync("/proc/self/ns/time") && "this kernel is built without";
/** What a process has of its own after unshare(1) with a flag, and has executed another program. */
const unshared: readonly { flag: string; kinds: readonly Kind[]; skip?: string | false }[] = [
  { flag: "-u", kinds: ["Uts"] },
  { flag: "-i", kinds: ["Ipc"] },
  { flag: "-m", kinds: ["Mnt"] },
  { flag: "-n", kinds: ["Net"] },
  { flag: "-C", kinds: ["Cgroup"] },
  { flag: "-U", kinds: ["User"] },
  { flag: "-p", kinds: ["PidForChildren"] },
  { flag: "-pf", kinds: ["Pid", "PidForChildren"] },
  { flag: "-Tf", kinds: ["Time", "TimeForChildren"], skip: noTime },
];
for (const { flag, kinds, skip } of unshared) {
  test(`after unshare ${flag} a process is not in the host's ${kinds.join(" and ")}`, {
    skip,
  }, async () => {
    const there = upstreamNamespaces.filter((kind) => !noTime || !kind.startsWith("Time"));
    const names = (op: "In" | "NotIn", some: readonly Kind[]) =>
      some.map((kind) => `${kind}-${op}`.toLowerCase());
    await kernel.program(
      (["In", "NotIn"] as const).flatMap((op) =>
        upstreamNamespaces.map((kind) =>
          aSet(names(op, [kind])[0]!, onGetpriority(when(inNamespace(op, kind, "host_ns")))),
        ),
      ),
    );
    const others = there.filter((kind) => !kinds.includes(kind));
    assert.deepEqual(
      await reportedBy(`unshare ${flag}`),
      [...names("In", others), ...names("NotIn", kinds)].sort(),
    );
    assert.deepEqual(await reportedBy(""), names("In", there).sort());
  });
}

test("a namespace is found by its inode number, the host's too", async () => {
  const [own] = readlinkSync("/proc/1/ns/uts").match(/[0-9]+/)!;
  const sets = [
    aSet("host", onGetpriority(when(inNamespace("In", "Uts", own)))),
    aSet("not-host", onGetpriority(when(inNamespace("NotIn", "Uts", own)))),
    aSet("nowhere", onGetpriority(when(inNamespace("In", "Uts", "1")))),
  ];
  await kernel.program(sets);
  assert.deepEqual(await reportedBy(""), ["host"]);
  assert.deepEqual(await reportedBy("unshare -u"), ["not-host"]);
});

test("upstream's policy kills who makes a user namespace in a container without privilege", async () => {
  await kernel.program([upstreamCase("kill_unprivileged_user_namespace_in_pid_namespace")]);
  const make = "unshare -U true; echo $?";
  const asNobody = `setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '${make}'`;
  const outputs = [`sh -c '${make}'`, asNobody, `unshare -pf sh -c '${make}'`].map(sh);
  assert.deepEqual(
    (await Promise.all(outputs)).map(({ out }) => out),
    ["0\n", "0\n", "0\n"],
  );
  const { out } = await sh(`unshare -pf ${asNobody}`);
  assert.equal(out, "137\n");
});
