import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";
import { RunningAgent } from "./testing/running-agent.ts";

const unlock = await lockKernel();
after(unlock);

const program = "/tmp/exec-stopped";
copyFileSync("/bin/true", program);
const agent = new RunningAgent(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: p }
spec:
  rules:
    selectors:
    - matchBinarys: { operator: In, values: [${program}] }
    - matchActions: [{ action: Sigkill }]
`);
before(() => agent.start());
after(() => agent.stop());

// biome-ignore lint/suspicious/noExplicitAny: events of any shape
type Json = any;

/** The kinds of the events about the program, and what they say of it, once it has ended. */
async function told(): Promise<readonly Json[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const lines = readFileSync(agent.file, "utf8").split("\n").slice(0, -1);
    const events = lines
      .map((line): Json => JSON.parse(line))
      .flatMap((event) =>
        ["process_exec", "process_kprobe", "process_exit"].flatMap((kind) =>
          event[kind]?.process.binary === program ? [{ kind, ...event[kind] }] : [],
        ),
      );
    if (events.some(({ kind }) => kind === "process_exit")) return events;
    await sleep(100);
  }
  return [];
}

test("an exec that is stopped is told of as the program that was to run, behind its exec", async () => {
  const { stdout } = spawnSync("sh", ["-c", `${program}; echo $?`], { encoding: "utf8" });
  assert.equal(stdout, "137\n");
  const events = await told();
  assert.deepEqual(
    events.map(({ kind, action, process, signal }) => [
      ...[kind, process.exec_id === events[0].process.exec_id, action ?? signal],
    ]),
    [
      ["process_exec", true, undefined],
      ["process_kprobe", true, "KPROBE_ACTION_SIGKILL"],
      ["process_exit", true, "SIGKILL"],
    ],
  );
});
