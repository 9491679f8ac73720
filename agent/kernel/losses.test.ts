import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { pino } from "pino";
import { type Losses, lossCauses, readLosses, watchLosses } from "./losses.ts";
import type { Native } from "./native.ts";

const none = Object.fromEntries(lossCauses.map((cause) => [cause, 0n])) as Losses;

test("the causes are those of enum loss, in its order", () => {
  const types = readFileSync(new URL("../../bpf/types.h", import.meta.url), "utf8");
  const names = types.match(/enum loss \{(.*?)\};/s)![1]!.match(/LOSS_\w+/g)!;
  assert.deepEqual(
    names.map((name) => name.slice("LOSS_".length).toLowerCase()),
    [...lossCauses, "max"],
  );
});

test("readLosses adds up the processors", () => {
  const native: Pick<Native, "lookup" | "possibleCpus"> = {
    possibleCpus: () => 2,
    lookup: (_fd, key, value) => {
      if (key[0] === lossCauses.indexOf("ring_hook")) {
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(2n ** 40n, 0);
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(3n, 8);
      } else value.fill(0);
      return true;
    },
  };
  assert.deepEqual(readLosses(native as Native, 3), { ...none, ring_hook: 2n ** 40n + 3n });
});

test("watchLosses warns of what is new, once", async () => {
  let now: Losses = { ...none, ring_exec: 7n };
  const lines: string[] = [];
  const clock = new ManualClock();
  const stop = new AbortController();
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(line) });
  const watch = watchLosses({ read: () => now, clock, log }, stop.signal);
  await clock.advance(10_000);
  now = { ...now, ring_exec: 9n, cgroup_full: 1n };
  await clock.advance(10_000);
  await clock.advance(10_000);
  stop.abort();
  await watch;
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      {
        level: 40,
        lost: { ring_exec: 2, cgroup_full: 1 },
        msg: "the kernel lost what it should report",
      },
    ],
  );
});
