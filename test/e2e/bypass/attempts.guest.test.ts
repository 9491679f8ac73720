import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { after, test } from "node:test";
import { namesOf, openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { Cgroup } from "../../../agent/kernel/testing/scene.ts";
import { type Policy, type PolicyName, policies } from "./policies.ts";
import { type Attempt, attempts, groups, triedAgainst } from "./registry.ts";
import type { Result } from "./results.ts";
import { missing, outcomeOf, prepareAll } from "./scene.ts";

// One of each group, or with GUARDBEE_ATTEMPTS=all every one. Those of a group that cost time come last.
const { GUARDBEE_ATTEMPTS: which = "first", GUARDBEE_ATTEMPTS_RESULTS: resultsFile } = process.env;
const isFirst = ({ id, group }: Attempt) => attempts.find((one) => one.group === group)!.id === id;
const chosen = attempts.filter((one) => which === "all" || isFirst(one));

const kernel = await openGuestKernel({ protectedBinaries: ["/usr/bin/containerd"] });
after(() => kernel.close());
prepareAll();

/** Each policy holds in a cgroup of its own. What was made below it before is named, as the agent does. */
const names = Object.keys(policies) as readonly PolicyName[];
const setsOf = (name: PolicyName): Policy["sets"] => policies[name].sets;
const cgroupOf = (name: string) => new Cgroup(`/sys/fs/cgroup/bypass-${name}`);
const free = cgroupOf("free"); // where none holds
const below = (when: string) => [free, ...names.map(cgroupOf)].map((cgroup) => cgroup.child(when));
below("before");
const states = await kernel.program(names.flatMap(setsOf), {
  host: [],
  cgroups: names.flatMap((name) => {
    const sets = namesOf(setsOf(name));
    return [cgroupOf(name), cgroupOf(name).child("before")].map(({ id }) => ({ id, sets }));
  }),
});
below("after");
const refused = (name: PolicyName) =>
  states.some(
    (state) => state.state === "failed" && setsOf(name).some((set) => set.name === state.name),
  );

const { features } = kernel.engine.features();
for (const name of names) {
  const { needs = [] }: Policy = policies[name];
  const isThere = needs.every((feature) => features.includes(feature));
  test(`the policy ${name} is ${isThere ? "in force" : "refused"}`, () => {
    const own = states.filter((state) => setsOf(name).some((set) => set.name === state.name));
    const expected = isThere ? "programmed" : "failed: KernelLacks";
    const seen = own.map((state) =>
      state.state === "failed" ? `failed: ${state.reason}` : state.state,
    );
    assert.deepEqual(
      seen,
      own.map(() => expected),
      JSON.stringify(own),
    );
  });
}

const results: Record<string, Record<string, Result>> = {};
for (const one of chosen) {
  test(`${groups[one.group]}: ${one.about}`, async () => {
    const lacks = one.needs !== undefined && missing.includes(one.needs);
    assert.equal(await outcomeOf(one, free), lacks ? "lacking" : "passed", "without a policy");
    const seen: Record<string, Result> = {};
    for (const name of triedAgainst(one)) {
      if (refused(name)) seen[name] = "refused";
      else seen[name] = lacks ? "lacking" : await outcomeOf(one, cgroupOf(name));
    }
    results[one.id] = seen;
    const expected = triedAgainst(one).map((name) => [name, expectedOf(one, name, lacks)]);
    assert.deepEqual(seen, Object.fromEntries(expected));
  });
}

function expectedOf({ stoppedBy }: Attempt, name: PolicyName, lacks: boolean): Result {
  if (refused(name)) return "refused";
  if (lacks) return "lacking";
  return stoppedBy.includes(name) ? "stopped" : "passed";
}

after(() => {
  if (resultsFile === undefined) return;
  writeFileSync(
    resultsFile,
    JSON.stringify({ release: release(), preemption: preemption(), results }),
  );
});

/** How tasks are preempted. A kernel that was built for one way, as the lab's, has no such file. */
function preemption(): string {
  const file = "/sys/kernel/debug/sched/preempt";
  if (!existsSync(file)) return "none";
  return /\((\w+)\)/.exec(readFileSync(file, "utf8"))![1]!;
}
