import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { lockKernel } from "../kernel/testing/guest-kernel.ts";
import { run } from "../kernel/testing/scene.ts";
import { type EventCounts, eventCounts } from "./testing/event-counts.ts";
import { killsMkfifo } from "./testing/flood-policies.ts";
import { programFile } from "./testing/program-file.ts";
import { RunningAgent, SocketReader } from "./testing/running-agent.ts";

const unlock = await lockKernel();
after(unlock);

/** Reports each write(2) of dd, and ends each mkfifo(1). */
const policies = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: flood}
spec:
  kprobes:
  - call: sys_write
    syscall: true
    args: [{index: 0, type: int}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/dd]}]
      matchArgs: [{index: 0, operator: Equal, values: ["1"]}]
${killsMkfifo}`;
const writers = 2;
/** Of each writer while the agent stands still: more in all than a ring holds. */
const unread = 30_000;
/** Of each writer while it reads. */
const read = 15_000;
const kills = 20;

test("of a flood every event is delivered or counted, and every kill is delivered", async (t) => {
  const agent = new RunningAgent(policies, ["--events-file-max-mb", "10000"]);
  t.after(() => agent.signal("SIGKILL"));
  await agent.start();
  const follower = follow(agent.file, join(agent.folder, "followed"));
  t.after(() => follower.kill());
  const quick = new SocketReader(agent.socket);
  const slow = new SocketReader(agent.socket);
  t.after(() => [quick, slow].forEach((reader) => void reader.destroy()));
  await agent.until((metric) => metric("socket_readers") === 2);
  slow.pause();
  await run("/usr/bin/true", "first-mark");
  agent.signal("SIGSTOP");
  await flood(unread);
  agent.signal("SIGCONT");
  await flood(read);
  slow.resume();
  await agent.until(isThrough);
  await run("/usr/bin/true", "last-mark");
  const metrics = (await agent.metrics())!;
  const missed = missedPosts((name) => metrics.get(name) ?? 0);
  const peakBytes = agent.peakBytes();
  await agent.stop();
  await Promise.all([quick.ended, slow.ended]);

  const text = readFileSync(agent.file);
  const inFile = eventCounts(text);
  assert.ok(missed > 0);
  assert.equal(count(inFile, "flood") + missed, writers * (unread + read));
  assert.equal(count(inFile, "kill"), 2 * kills);
  for (const reader of [quick, slow]) assertExact(text, reader.bytes);
  assert.ok(peakBytes < 200e6, `${peakBytes} bytes`);
  assert.deepEqual(await follower.until(text.length), text);
});

/** What the ring had no room for, or not for so much of one cgroup. */
function missedPosts(metric: (name: string) => number): number {
  const of = (error: string) => metric(`bpf_missed_events_total{event="post",error="${error}"}`);
  return of("full") + of("share");
}

/** Whether nothing of the flood is on its way any more. */
function isThrough(metric: (name: string) => number): boolean {
  const seen = metric('observer_ringbuf_events_received_total{event="hook"}') + missedPosts(metric);
  const all = writers * (unread + read) + 2 * kills;
  return seen === all && metric('sink_events_waiting{sink="socket"}') === 0;
}

/** Whoever reads the socket got, of what is between the marks, all but what it was told of. */
function assertExact(file: Buffer, socket: Buffer): void {
  const between = (lines: Buffer) =>
    eventCounts(lines.subarray(lines.indexOf("first-mark"), lines.indexOf("last-mark")));
  const [all, got] = [between(file), between(socket)];
  assert.equal(got.lines + got.told, all.lines);
  assert.equal(count(got, "kill"), 2 * kills);
}

function count({ byPolicy }: EventCounts, policy: string): number {
  return byPolicy.get(policy) ?? 0;
}

/** So many writes of each writer, and kills among them. */
async function flood(writes: number): Promise<void> {
  const dd = ["/usr/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none"] as const;
  const writing = Array.from({ length: writers }, () => run(...dd, `count=${writes}`));
  await Promise.all([...writing, killSome()]);
}

async function killSome(): Promise<void> {
  for (let i = 0; i < kills; i++) {
    const { signal } = await run("/usr/bin/mkfifo", `/tmp/flood-fifo-${i}`);
    assert.equal(signal, "SIGKILL");
  }
}

/** `guardbee events follow`, as the container export-stdout runs it. */
function follow(file: string, out: string) {
  const main = programFile("main");
  const args = [main, "events", "follow", file];
  const stdio = ["ignore", openSync(out, "w"), "inherit"] as const;
  const child: ChildProcess = spawn(process.execPath, args, { stdio: [...stdio] });
  return {
    kill: () => child.kill("SIGKILL"),
    /** What it wrote, once that has so many bytes. */
    until: async (bytes: number): Promise<Buffer> => {
      while (readFileSync(out).length < bytes) {
        assert.equal(child.exitCode, null);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      return readFileSync(out);
    },
  };
}
