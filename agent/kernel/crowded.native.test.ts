import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HookCall, SelectorSet } from "@guardbee/policy";
import { allActions, isEnforcing, workloadsName } from "@guardbee/policy/sets";
import fc from "fast-check";
import {
  anyCall,
  anyFollowState,
  anySelectorSet,
  scopeNames,
} from "../../policy/decide/arbitrary.ts";
import type { NamedSet } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import type { CgroupPath } from "./testing/cgroup-classes.ts";
import { NativeEngine } from "./testing/native-engine.ts";

const EAGAIN = 11;
const names = ["p10", "p11", "p12"];
const seed = Number(process.env.GUARDBEE_SEED ?? Date.now() % 2 ** 31);

const engine = new NativeEngine();
after(() => engine.close());

function cgroupOf(scopeClass: number): CgroupPath {
  const classes = [scopeClass === 0 ? undefined : scopeClass];
  return { place: enums.scope_place.PLACE_ANYWHERE, rootLevel: 1, isBelowRoot: true, classes };
}

type Hook = SelectorSet["hooks"][number];

/** Whether a selector that holds in a scope of these names stops some calls of the function that `call` is of. */
function mayBeStopped(
  sets: readonly NamedSet[],
  held: ReadonlySet<string>,
  { on }: HookCall,
): boolean {
  const isSame = (hook: Hook) => JSON.stringify(hook.on) === JSON.stringify(on);
  return sets.some(({ name, set: { mode, hooks } }) => {
    const isHeld = ({ workloads }: Hook["selectors"][number]) =>
      workloads === undefined || held.has(workloadsName(name, workloads));
    const selectors = hooks.filter(isSame).flatMap((hook) => hook.selectors);
    const stops = selectors.filter(isHeld).flatMap(allActions).some(isEnforcing);
    return mode === "enforce" && held.has(name) && stops;
  });
}

test(`a call for which no memory is left is refused where it might have to be stopped (GUARDBEE_SEED=${seed})`, async () => {
  const anyBatch = fc.record({
    sets: fc.array(anySelectorSet, { minLength: 3, maxLength: 3 }),
    narrow: fc.subarray(names),
    calls: fc.array(
      fc.record({
        call: anyCall(names),
        follows: anyFollowState(names),
        scopeClass: fc.constantFrom(0, 1),
      }),
      { minLength: 20, maxLength: 20 },
    ),
  });
  const seen = { refused: 0, passed: 0, spared: 0 };
  for (const { sets, narrow, calls } of fc.sample(anyBatch, { seed, numRuns: 100 })) {
    const all = sets.map((set, i): NamedSet => {
      const name = names[i]!;
      return { name, hash: name, set: { ...set, policy: { ...set.policy, name } } };
    });
    const classes = [new Set(names.flatMap(scopeNames)), new Set(narrow)];
    engine.load(all, { classes, slot: 0 });
    for (const { call, follows, scopeClass } of calls) {
      const may = mayBeStopped(all, classes[scopeClass]!, call);
      const { isProtected } = call.process;
      // Nobody asks a program at a tracepoint what is to become of the call.
      const isAsked = call.on.kind !== "tracepoint";
      const want = may && !isProtected && isAsked ? -EAGAIN : 0;
      const done = await engine.call(call, follows, {
        cgroups: cgroupOf(scopeClass),
        ...{ at: 1, crowded: true },
      });
      assert.deepEqual([done.returned, done.events, done.signals], [want, [], []]);
      seen[want !== 0 ? "refused" : may ? "spared" : "passed"]++;
    }
  }
  assert.ok(Math.min(seen.refused, seen.passed, seen.spared) > 20, JSON.stringify(seen));
});
