import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import type { ArgType, Hook, SelectorSet } from "@guardbee/policy";
import type { NamedSet, SetState } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { manyTexts } from "./testing/crowds.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, denyWrites, inMode, named, onGetpriority, when } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const folder = "/tmp/forbidden";
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const deny = denyWrites({});
const edited = inMode("monitor", deny);
const killed = { code: null, signal: "SIGKILL", out: "" };

/** A policy of a namespace; it holds for the host too here, so that it can be seen to work. */
function ofTenant(name: string, ...hooks: readonly Hook[]): NamedSet {
  const { set } = aSet(name, ...hooks);
  const policy = { kind: "TracingPolicyNamespaced", namespace: "evil", name } as const;
  return named({ ...set, policy } satisfies SelectorSet);
}

const onWrite = { kind: "kprobe", call: "sys_write", syscall: true } as const;

const following: Hook = {
  on: { kind: "kprobe", call: "fd_install", syscall: false },
  args: [
    { index: 0, type: "int" },
    { index: 1, type: "file" },
  ],
  selectors: [
    {
      conditions: [{ by: "arg", arg: 1, op: "Prefix", values: ["/nowhere/"] }],
      actions: [{ action: "FollowFD", fd: 0, name: 1 }],
    },
  ],
};

const never = when({ by: "binary", op: "In", values: ["/nowhere"] });
const crowds: readonly {
  readonly name: string;
  readonly theirs: readonly NamedSet[];
}[] = [
  {
    name: "all selectors",
    theirs: [
      ofTenant("many", {
        ...{ on: onWrite, args: [] },
        selectors: Array.from({ length: enums.engine_limit.WORDS_MAX * 64 }, () => never),
      }),
    ],
  },
  { name: "32 compared properties", theirs: [ofTenant("texts", ...manyTexts())] },
  {
    name: "64 followers",
    theirs: Array.from({ length: 64 }, (_, i) => ofTenant(`follower-${i}`, following)),
  },
];
for (const { name, theirs } of crowds) {
  test(`a tenant with ${name} in force gets no cluster policy refused, new or edited`, async () => {
    assert.deepEqual(failed(await kernel.program(theirs)), []);
    const [crowded, ...others] = failed(await kernel.program([...theirs, deny]));
    assert.ok(crowded?.state === "failed" && crowded.reason === "NoRoom", crowded?.name);
    assert.deepEqual(others, []);
    assert.deepEqual(await sh(`echo hi >${folder}/x; echo survived`), killed);
    const again = failed(await kernel.program([...theirs, edited]));
    assert.deepEqual(again, [crowded]);
    const after = await sh(`echo hi >${folder}/x; echo survived`);
    assert.deepEqual(after, { code: 0, signal: null, out: "survived\n" });
    assert.deepEqual(failed(await kernel.program(theirs)), []);
  });
}

test("ten readings that nothing compares are reported, each as it is", async () => {
  const types: readonly ArgType[] = ["int", "uint32", "int64", "uint64", "size_t"];
  const sets = types.flatMap((type) =>
    [0, 1].map((index) =>
      aSet(`${type}-${index}`, { ...onGetpriority(), args: [{ type, index }] }),
    ),
  );
  assert.deepEqual(failed(await kernel.program(sets)), []);
  // getpriority(PRIO_PROCESS, 1), before and after
  const { hooks } = await events.during(() => run("renice", "-n", "0", "-p", "1"));
  const seen = hooks.map(({ policy, args }) => {
    const [arg] = args;
    return `${policy} ${arg !== undefined && "value" in arg ? arg.value : arg?.type}`;
  });
  const wanted = sets.map(({ name }) => `${name} ${name.endsWith("0") ? 0 : 1}`);
  assert.deepEqual([...new Set(seen)].sort(), wanted.sort());
});

function failed(states: readonly SetState[]): readonly SetState[] {
  return states.filter(({ state }) => state === "failed");
}
