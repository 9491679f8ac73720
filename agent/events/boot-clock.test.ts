import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createBootClock } from "./boot-clock.ts";
import { createRfc3339 } from "./encode/rfc3339.ts";

function aMachine() {
  const state = { wallMs: 1_700_000_000_000, monotonicNs: 5_000_000_000n, asleepS: 0 };
  const uptime = () => `${Number(state.monotonicNs) / 1e9 + state.asleepS} 1.0`;
  const sources = {
    wallMs: () => state.wallMs,
    monotonicNs: () => {
      state.monotonicNs += 500_000n; // each look at the clock takes half a millisecond
      return state.monotonicNs;
    },
    uptime,
  };
  return { state, sources };
}

test("boot time becomes wall time, also on a machine that slept", () => {
  for (const asleepS of [0, 3600]) {
    const { state, sources } = aMachine();
    state.asleepS = asleepS;
    const clock = createBootClock(sources);
    const nowBootNs = state.monotonicNs + BigInt(asleepS) * 1_000_000_000n;
    const off = clock.toWallNs(nowBootNs) - 1_700_000_000_000_000_000n;
    assert.ok(off < 20_000_000n && off > -20_000_000n, `${asleepS}: ${off}`);
  }
});

test("a wall clock that was set is followed, a little drift is not", () => {
  const { state, sources } = aMachine();
  const clock = createBootClock(sources);
  const before = clock.toWallNs(0n);
  clock.refresh();
  assert.equal(clock.toWallNs(0n), before);
  state.wallMs += 60_000;
  clock.refresh();
  const moved = clock.toWallNs(0n) - before;
  assert.ok(moved > 59_900_000_000n && moved <= 60_000_000_000n, String(moved));
});

test("a wall clock that was set back is followed, too, and so is one that comes forward again", () => {
  const { state, sources } = aMachine();
  const clock = createBootClock(sources);
  const before = clock.toWallNs(0n);
  for (const stepMs of [-86_400_000, 86_400_000 * 400]) {
    const last = clock.toWallNs(0n);
    state.wallMs += stepMs;
    clock.refresh();
    const off = clock.toWallNs(0n) - last - BigInt(stepMs) * 1_000_000n;
    assert.ok(off < 0n && off > -100_000_000n, `${stepMs}: ${off}`);
  }
  assert.ok(clock.toWallNs(0n) > before);
});

test("the system's own clock gives now", () => {
  const clock = createBootClock();
  const beforeMs = Date.now();
  const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ", 1)[0]) * 1_000;
  const awakeMs = Number(process.hrtime.bigint() / 1_000_000n);
  const afterMs = Date.now();
  // A container may hide how long the machine has run; that it slept, the uptime alone tells.
  const bootMs = Math.max(uptimeMs, awakeMs);
  const wallMs = Number(clock.toWallNs(BigInt(Math.round(bootMs)) * 1_000_000n) / 1_000_000n);
  // The uptime has two decimals.
  assert.ok(wallMs > beforeMs - 30 && wallMs < afterMs + 30, `${beforeMs} ${wallMs} ${afterMs}`);
});

const stamps: readonly { ns: bigint; want: string }[] = [
  { ns: 0n, want: "1970-01-01T00:00:00Z" },
  { ns: 1_665_135_331_221_487_201n, want: "2022-10-07T09:35:31.221487201Z" },
  { ns: 1_665_135_331_221_487_000n, want: "2022-10-07T09:35:31.221487Z" },
  { ns: 1_665_135_331_020_000_000n, want: "2022-10-07T09:35:31.020Z" },
  { ns: 1_665_135_332_000_000_001n, want: "2022-10-07T09:35:32.000000001Z" },
];
test("RFC 3339 has the shortest fraction that is exact", () => {
  const format = createRfc3339();
  for (const { ns, want } of stamps) assert.equal(format(ns), want);
});
