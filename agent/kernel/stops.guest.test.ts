import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Action, Mode } from "@guardbee/policy";
import type { StopCounts } from "../engine.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, inMode, onGetpriority, when } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

const protectedBinary = "/tmp/protected-nice";
copyFileSync("/usr/bin/nice", protectedBinary);
const kernel = await openGuestKernel({ protectedBinaries: [protectedBinary] });
const { engine, events } = kernel;
after(() => kernel.close());

const canOverride = engine.features().features.includes("fmod_ret_syscalls");
const needsOverride = { skip: !canOverride && "this kernel has no error injection" };

const post: Action = { action: "Post" };
const noPost: Action = { action: "NoPost" };
const sigkill: Action = { action: "Sigkill" };
/** A signal that nice(1) dies of, as of SIGKILL. */
const signal: Action = { action: "Signal", signal: 10 };
const override: Action = { action: "Override", error: 1 };

const none: StopCounts = { stopped: 0, wouldStop: 0, ofProtected: 0 };

function acting(name: string, actions: readonly Action[], mode: Mode = "enforce") {
  return inMode(mode, aSet(name, onGetpriority({ ...when(), actions })));
}

/** What the kernel has counted for a set that is in force; what the agent has read is another matter. */
function countsOf(name: string, of = engine): StopCounts {
  const found = of.stops(new Set([name])).get(name);
  assert.ok(found, `${name} is not in force`);
  const { hash: _, selectors: __, ...counts } = found;
  return counts;
}

const combinations: readonly { readonly name: string; readonly actions: readonly Action[] }[] = [
  { name: "Sigkill", actions: [sigkill] },
  { name: "Sigkill, Post", actions: [sigkill, post] },
  { name: "Sigkill, NoPost", actions: [sigkill, noPost] },
  { name: "NoPost, Sigkill", actions: [noPost, sigkill] },
  { name: "Post, Signal", actions: [post, signal] },
  { name: "Signal, NoPost", actions: [signal, noPost] },
  { name: "Override", actions: [override] },
  { name: "Override, Post", actions: [override, post] },
  { name: "Override, NoPost", actions: [override, noPost] },
  { name: "Sigkill, Override, NoPost", actions: [sigkill, override, noPost] },
  { name: "Sigkill, Override, Post", actions: [sigkill, override, post] },
];
for (const { name, actions } of combinations) {
  const skip = actions.includes(override) ? needsOverride : {};
  test(
    `[${name}] counts each call once, whether it stops, would, or lets the node's own go`,
    skip,
    async () => {
      const posted = !actions.includes(noPost);
      for (const [mode, stop] of [
        ["enforce", { stopped: 3, flags: { stopped: true, wouldStop: false, monitored: false } }],
        ["monitor", { wouldStop: 3, flags: { stopped: false, wouldStop: true, monitored: true } }],
      ] as const) {
        const set = acting("p", actions, mode);
        await kernel.program([]); // the counts of the case before end with it
        await kernel.program([set]);
        assert.deepEqual(countsOf(set.name), none);
        const { hooks } = await events.during(async () => {
          for (let call = 0; call < 3; call++) await run("/usr/bin/nice");
          await run(protectedBinary);
        });
        const { flags, ...counted } = stop;
        assert.deepEqual(countsOf(set.name), { ...none, ...counted, ofProtected: 1 }, mode);
        const spared = { stopped: false, wouldStop: false, monitored: true };
        assert.deepEqual(
          hooks.map(({ stopped, wouldStop, monitored }) => ({ stopped, wouldStop, monitored })),
          posted ? [flags, flags, flags, spared] : [],
          mode,
        );
      }
    },
  );
}

test("what only reports counts nothing", async () => {
  const set = acting("p", [post]);
  await kernel.program([set]);
  await run("/usr/bin/nice");
  assert.deepEqual(countsOf(set.name), none);
});

test("of two policies that stop one call each counts it, and of one only the hook that matched", async () => {
  const first = acting("first", [sigkill, noPost]);
  const other = acting("other", [sigkill, post]);
  const third = aSet(
    "third",
    onGetpriority({
      conditions: [{ by: "arg", arg: 1, op: "Equal", values: ["7"] }],
      actions: [sigkill],
    }),
  );
  await kernel.program([first, other, third]);
  await run("/usr/bin/nice");
  assert.deepEqual(countsOf(first.name), { ...none, stopped: 1 });
  assert.deepEqual(countsOf(other.name), { ...none, stopped: 1 });
  assert.deepEqual(countsOf(third.name), none);
});

test("an edit counts anew, and what did not change goes on, also under another program", async () => {
  const set = acting("kept", [sigkill, noPost]);
  await kernel.program([set, acting("edited", [sigkill, noPost])]);
  const programs = new Set(attachmentsOf(await kernel.program([set, acting("edited", [sigkill])])));
  await run("/usr/bin/nice");
  assert.deepEqual(countsOf(set.name), { ...none, stopped: 1 });
  // A condition on the descriptor's number needs another program on the same function.
  const other = aSet(
    "edited",
    onGetpriority({
      conditions: [{ by: "arg", arg: 0, op: "Equal", values: ["0"] }],
      actions: [override],
    }),
  );
  const states = await kernel.program([set, canOverride ? other : acting("edited", [noPost])]);
  assert.notDeepEqual(new Set(attachmentsOf(states)), canOverride ? programs : new Set());
  assert.deepEqual(countsOf(set.name), { ...none, stopped: 1 });
  assert.deepEqual(countsOf(other.name), none);
  await run("/usr/bin/nice");
  assert.deepEqual(countsOf(set.name), { ...none, stopped: 2 });
});

test("an agent that restarts goes on counting, and what was stopped meanwhile is in it", async () => {
  const set = acting("restarted", [sigkill, noPost]);
  await kernel.program([set]);
  await run("/usr/bin/nice");
  const next = kernel.open(kernel.bpffs);
  await run("/usr/bin/nice");
  const scopes = { host: [set.name], podRoots: [], unknownPods: [], cgroups: [] };
  await next.program({ sets: [set], scopes });
  assert.deepEqual(countsOf(set.name, next), { ...none, stopped: 2 });
  await run("/usr/bin/nice");
  assert.deepEqual(countsOf(set.name, next), { ...none, stopped: 3 });
});

test("a policy that is gone is counted no more, and comes back at none", async () => {
  const set = acting("gone", [sigkill, noPost]);
  await kernel.program([set]);
  await run("/usr/bin/nice");
  await kernel.program([]);
  assert.deepEqual([...engine.stops(new Set([set.name]))], []);
  await kernel.program([set]);
  assert.deepEqual(countsOf(set.name), none);
});

test("stops for whose events there was no room are counted, each", async () => {
  const calls = 150_000; // several times what the ring holds
  const set = acting("flood", [sigkill], "monitor");
  await kernel.program([set]);
  await events.close(); // nobody reads the ring any more
  const before = engine.losses().share_stop;
  await run(process.execPath, "-e", `for (let i = 0; i < ${calls}; i++) os.getPriority(0)`);
  assert.ok(engine.losses().share_stop > before, "nothing was lost");
  assert.deepEqual(countsOf(set.name), { ...none, wouldStop: calls });
});

function attachmentsOf(states: Awaited<ReturnType<typeof kernel.program>>): readonly string[] {
  return states.flatMap((state) => (state.state === "programmed" ? state.attachments : []));
}
