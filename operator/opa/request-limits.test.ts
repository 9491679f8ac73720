import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@guardbee/kube";
import type { Usage } from "./rego-process.ts";
import { type RequestLimits, within } from "./request-limits.ts";

const limits: RequestLimits = { cpuMs: 100, clockMs: 500, memoryBytes: 1_000 };
const never = new AbortController().signal;

/** A process that has used one of `usages` at each look, the last one ever after. */
function usesAt(usages: readonly (Usage | undefined)[]) {
  let looks = 0;
  const { promise, reject } = Promise.withResolvers<string>();
  let kills = 0;
  const process = {
    usage: () => usages[Math.min(looks++, usages.length - 1)],
    kill: () => {
      kills++;
      reject(new Error("was ended"));
    },
  };
  return { process, asked: () => promise, looks: () => looks, kills: () => kills };
}

/** Every sleep is over at once, and took as long as it was to take. */
function fastClock() {
  let nowMs = 0;
  const sleep = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    nowMs += ms;
  };
  return { ...systemClock, monotonic: () => nowMs, sleep };
}

const cases: readonly {
  readonly name: string;
  readonly usages: readonly (Usage | undefined)[];
  readonly by: string;
  readonly looks: number;
}[] = [
  {
    name: "has used up its processor time since it was asked",
    usages: [5_000, 5_050, 5_100, 5_101].map((cpuMs) => ({ cpuMs, memoryBytes: 1 })),
    by: "cpu",
    looks: 4,
  },
  {
    name: "has taken more memory than it may",
    usages: [900, 1_000, 1_001].map((memoryBytes) => ({ cpuMs: 0, memoryBytes })),
    by: "memory",
    looks: 3,
  },
  {
    name: "gets no processor time",
    usages: [{ cpuMs: 0, memoryBytes: 1 }],
    by: "clock",
    looks: 27, // one before, one each 20 ms
  },
  {
    name: "cannot be looked at",
    usages: [undefined],
    by: "clock",
    looks: 27,
  },
];
for (const { name, usages, by, looks } of cases) {
  test(`a process that ${name} is killed at that look`, async () => {
    const one = usesAt(usages);
    const overrun = (what: string) => new Error(what);
    const answer = within(one.process, limits, fastClock(), { ...one, overrun }, never);
    await assert.rejects(answer, { message: by });
    assert.equal(one.kills(), 1);
    assert.equal(one.looks(), looks);
  });
}

test("an answer in time is given, and nobody looks any more", async () => {
  const one = usesAt([{ cpuMs: 1, memoryBytes: 1 }]);
  const overrun = () => new Error("overran");
  const asked = async () => "answer";
  assert.equal(await within(one.process, limits, systemClock, { asked, overrun }, never), "answer");
  assert.equal(one.kills(), 0);
  assert.equal(one.looks(), 1);
});

test("an error of the process itself is told as it is", async () => {
  const one = usesAt([{ cpuMs: 1, memoryBytes: 1 }]);
  const overrun = () => new Error("overran");
  const asked = () => Promise.reject(new Error("ended by itself"));
  const answer = within(one.process, limits, systemClock, { asked, overrun }, never);
  await assert.rejects(answer, { message: "ended by itself" });
});
