import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import type { Condition, SelectorSet } from "@guardbee/policy";
import type { NamedSet } from "../../../agent/engine.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { named } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended, run, sh } from "../../../agent/kernel/testing/scene.ts";
import { buildRuntime } from "./attempts.ts";

// A list never keeps a container runtime from starting a container, and looking like one is no way out.

const kernel = await openGuestKernel();
after(() => kernel.close());

const folder = "/opt/started";
mkdirSync(folder, { recursive: true });
/** The container's program that is listed, and the runtime, on the host and in the container. */
const [app, runtime] = [`${folder}/app`, `${folder}/runtime`];
copyFileSync("/bin/sh", app);
buildRuntime(runtime);
const image = "/tmp/image";
const log = "/tmp/started.log";
const kubepods = new Cgroup("/sys/fs/cgroup/kubepods");
const container = kubepods.child("pod").child("container");

before(async () => {
  const folders =
    "for d in bin sbin lib lib64 usr opt proc sys; do mkdir -p $d; mount --rbind /$d $d; done";
  const made = await sh(
    `mkdir -p ${image} && mount -t tmpfs image ${image} && cd ${image} && ${folders}`,
  );
  assert.equal(made.code, 0);
  await hold(execs());
});
after(() => run("umount", "-l", image));
beforeEach(() => rmSync(log, { force: true }));

/** Has `set` hold in pods that are not known. */
async function hold(set: NamedSet): Promise<void> {
  const podRoots = [{ id: kubepods.id, level: 1 }];
  await kernel.program([set], { host: [], podRoots, unknownPods: [set.name] });
}

const listed: Condition = { by: "binary", op: "NotIn", values: [app] };

/** Lets nothing but `app` run. */
function execs(): NamedSet {
  return aSet({ on: { kind: "exec" }, args: [] });
}

/** Lets nothing but `app` write to anything. */
function writes(): NamedSet {
  return aSet({ on: { kind: "kprobe", call: "sys_write", syscall: true }, args: [] });
}

function aSet(hook: Omit<SelectorSet["hooks"][number], "selectors">): NamedSet {
  const selectors = [{ conditions: [listed], actions: [{ action: "Sigkill" } as const] }];
  const policy = { kind: "TracingPolicy", name: "listed" } as const;
  return named({
    ...{ policy, mode: "enforce", scope: { host: false, pods: {} } },
    hooks: [{ ...hook, selectors }],
  });
}

/** Starts `program` in the container; 137 is the exit code of what was killed. */
function started(way: "start" | "send" | "move", ...program: readonly string[]): Promise<Ended> {
  const init = [container.path, image, log, ...program].map((word) => `'${word}'`).join(" ");
  return sh(`${runtime} ${way} ${init}; echo $?`);
}

const said = (out: string): Ended => ({ code: 0, signal: null, out });

for (const way of ["start", "send", "move"] as const) {
  // The bytes of a write are out when the signal comes.
  for (const [what, set, stopped] of [
    ["what runs", execs(), "137\n"],
    ["what writes", writes(), "ran\n137\n"],
  ] as const) {
    test(`a list of ${what} lets a runtime ${way} the container's program`, async () => {
      await hold(set);
      assert.deepEqual(await started(way, app, "-c", "echo ran"), said("ran\n0\n"));
      assert.ok(existsSync(log), "the runtime wrote in the container's cgroup");
    });

    test(`a list of ${what} holds for the program that a runtime ${way}s`, async () => {
      await hold(set);
      assert.deepEqual(await started(way, "/bin/sh", "-c", "echo ran"), said(stopped));
      assert.ok(existsSync(log));
    });
  }
}

test("a container that runs the runtime's own program gets nowhere by it", async () => {
  await hold(execs());
  const inside = [`${container.path}/1`, "/", "/run/log", "/bin/sh"].join(" ");
  const nested = container.child("1");
  for (const way of ["start", "send", "move"]) {
    const script = `${runtime} ${way} ${inside}; echo $?`;
    assert.deepEqual(await started("start", app, "-c", script), said("137\n0\n"), way);
  }
  assert.ok(existsSync(nested.path));
});

test("a listed program that makes processes in other cgroups starts nothing else by it", async () => {
  await hold(named({ ...execs().set, hooks: execs().set.hooks.map(allowing(runtime)) }));
  const nested = container.child("2").path;
  for (const way of ["send", "move"]) {
    const outside = [runtime, way, nested, "/", "/nested.log", "/bin/sh", "-c", "echo ran"];
    assert.deepEqual(await started("start", ...outside), said("137\n"), way);
  }
});

test("the host's root folder makes no program the host's", async () => {
  await hold(named({ ...execs().set, hooks: execs().set.hooks.map(allowing(runtime)) }));
  const outside = [runtime, "escape", "/bin/sh", "-c", "echo ran"];
  for (const way of ["start", "send", "move"] as const) {
    assert.deepEqual(await started(way, ...outside), said("137\n"), way);
  }
});

function allowing(path: string) {
  return (hook: SelectorSet["hooks"][number]) => ({
    ...hook,
    selectors: hook.selectors.map((selector) => ({
      ...selector,
      conditions: [{ by: "binary", op: "NotIn", values: [path] } as const],
    })),
  });
}
