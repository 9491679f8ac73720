import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExecReport } from "@guardbee/policy/sets";
import { Executables } from "./executables.ts";
import type { Observation } from "./observation.ts";

const web = { namespace: "shop", kind: "Deployment", name: "web" };
const set = "execpolicy.web";

function ran(path: string | undefined, change: Partial<Observation> = {}): Observation {
  return {
    set,
    workload: web,
    path,
    parent: "/bin/sh",
    fromImage: false,
    denied: false,
    ...change,
  };
}

test("the same program is one entry, with what it was started from", () => {
  const all = new Executables();
  assert.equal(all.add(ran("/usr/bin/curl")), true);
  all.add(ran("/bin/cat", { parent: undefined }));
  assert.equal(all.add(ran("/usr/bin/curl", { parent: "/bin/bash", denied: true })), true);
  assert.deepEqual(all.of(set), [
    {
      workload: web,
      executables: [
        { path: "/bin/cat", count: 1 },
        { path: "/usr/bin/curl", parents: ["/bin/bash", "/bin/sh"], count: 2, denied: true },
      ],
      omitted: 0,
    },
  ]);
});

test("what came from the image each time is from there, and once not is not", () => {
  const all = new Executables();
  all.add(ran("/bin/a", { fromImage: true }));
  assert.equal(all.of(set)[0]?.executables[0]?.fromImage, true);
  assert.equal(all.add(ran("/bin/a")), true);
  assert.equal(all.of(set)[0]?.executables[0]?.fromImage, undefined);
  all.add(ran("/bin/a", { fromImage: true }));
  assert.equal(all.of(set)[0]?.executables[0]?.fromImage, undefined);
});

test("a program that runs a million times is news some twenty times", () => {
  const all = new Executables();
  let news = 0;
  for (let i = 0; i < 1_000_000; i++) if (all.add(ran("/bin/a"))) news += 1;
  assert.ok(news < 30, String(news));
});

test("100,000 programs of one pod fill its workload's 200 entries; the rest is counted, and others have theirs", () => {
  const all = new Executables();
  const deep = "x".repeat(900);
  for (let i = 0; i < 100_000; i++) {
    all.add(ran(`/tmp/${i}`, { parent: `/tmp/${i - 1}` }));
    const long = { ...web, name: "long" };
    all.add(ran(`/tmp/${deep}/${i}`, { workload: long, parent: `/tmp/${deep}/${i - 1}` }));
  }
  all.add(ran(undefined));
  const other = { namespace: "shop", kind: "Deployment", name: "other" };
  all.add(ran("/bin/b", { workload: other }));
  const [first, long, last] = all.of(set);
  assert.equal(first!.executables.length, 200);
  assert.equal(first!.omitted, 50_000);
  assert.ok(long!.executables.length < 30, "its texts are bounded, too");
  assert.deepEqual(last!.executables, [{ path: "/bin/b", parents: ["/bin/sh"], count: 1 }]);
});

test("whatever pods do, the report is one that the API server takes", () => {
  const all = new Executables();
  for (let pod = 0; pod < 150; pod++) {
    const workload = { namespace: "n", kind: "Pod", name: `p${pod}` };
    for (let i = 0; i < 300; i++) {
      all.add(ran(`/${"y".repeat(i)}/${i}`, { workload, parent: `/${"z".repeat(i)}` }));
    }
  }
  const workloads = all
    .of(set)
    .map(({ workload, ...rest }) => ({ ...workload, ...rest, omitted: rest.omitted || 1 }));
  const report = { policies: [{ set, since: "2026-01-01T00:00:00Z", workloads }] };
  const parsed = parseExecReport(report);
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.problems));
  assert.ok(JSON.stringify(report).length < 1_400_000, String(JSON.stringify(report).length));
});

test("what an earlier agent reported is gone on with", () => {
  const [before, after] = [new Executables(), new Executables()];
  for (let i = 0; i < 20; i++) before.add(ran("/bin/a", { denied: true }));
  before.add(ran(undefined));
  for (const one of before.of(set)) after.restore(set, one);
  assert.deepEqual(after.of(set), before.of(set));
  assert.equal(after.add(ran("/bin/a")), false);
});

test("policies that do not learn here any more are forgotten, with the room that they took", () => {
  const all = new Executables();
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 200; i++) all.add(ran(`/${"y".repeat(50)}/${i}`, { set: `s${round}` }));
    all.keep(new Set());
  }
  all.add(ran("/bin/a"));
  assert.equal(all.of(set)[0]?.executables.length, 1);
  assert.deepEqual(all.of("s1"), []);
});
