import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import pino from "pino";
import { RotatingFile } from "./events/sinks/rotating-file.ts";
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
  const limits = () => ({ maxBytes: 1_000, backups: 5 });
  const options = { path: eventsFile, limits, now: () => Date.now() };
  const file = await RotatingFile.open(options);
  await file.append(Buffer.alloc(1_100, "x\n"), 550);
  await file.rotate();
  await file.close();
  assert.equal(readdirSync(run).length, 5, "the file, a rotated one, their list, and the others");

  const left = { bpffs, stateDir, eventsFile, eventsSocket: join(run, "events.sock") };
  leaveNothing(left, log);
  assert.deepEqual(readdirSync(folder).sort(), ["run", "state"]);
  assert.deepEqual(readdirSync(stateDir), []);
  assert.deepEqual(readdirSync(run), ["other.log"]);
  leaveNothing(left, log);
});
