import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { FileSink } from "./events/sinks/file-sink.ts";
import { someLines } from "./events/testing/some-lines.ts";
import { leaveNothing } from "./leave.ts";

test("pins, state and every event file go, what is not ours stays", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-leave-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [bpffs, stateDir, run] = ["bpf", "state", "run"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [join(bpffs, "v-1/maps"), join(stateDir, "sets"), run]) {
    mkdirSync(made, { recursive: true });
  }
  writeFileSync(join(stateDir, "sets/a.json"), "{}");
  writeFileSync(join(run, "events.sock"), "");
  writeFileSync(join(run, "other.log"), "");
  const log = pino({ level: "silent" });
  const eventsFile = join(run, "events.log");
  const { encoder, events } = someLines();
  const clock = new ManualClock();
  const sink = new FileSink({ path: eventsFile, maxBytes: 1_000, encoder, clock, log });
  const stop = new AbortController();
  const running = sink.run(stop.signal);
  for (let i = 0; i < 50 && readdirSync(run).length < 5; i++) {
    sink.write(events({ lines: Buffer.alloc(1_100, "x"), count: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  stop.abort();
  await running;
  assert.ok(readdirSync(run).length >= 5, "the file, a rotated one, their list, and the others");

  const left = { bpffs, stateDir, eventsFile, eventsSocket: join(run, "events.sock") };
  leaveNothing(left, log);
  assert.deepEqual(readdirSync(folder).sort(), ["run", "state"]);
  assert.deepEqual(readdirSync(stateDir), []);
  assert.deepEqual(readdirSync(run), ["other.log"]);
  leaveNothing(left, log);
});
