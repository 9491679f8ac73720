import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventCounts } from "../../agent/events/testing/event-counts.ts";
import { killsMkfifo } from "../../agent/events/testing/flood-policies.ts";
import { RunningAgent, SocketReader } from "../../agent/events/testing/running-agent.ts";
import { run, sh } from "../../agent/kernel/testing/scene.ts";
import { burstSeconds, type Scenario } from "../keys.ts";
import type { Message } from "../messages.ts";
import { probeFile, writtenFd } from "./probe.ts";

type Tell = (message: Message) => void;

/** Posts each write of the probe, kills each mkfifo(1), and denies each mkdir(1). */
const policies = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: flood}
spec:
  kprobes:
  - call: sys_write
    syscall: true
    args: [{index: 0, type: int}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: ["${writtenFd}"]}]
${killsMkfifo}---
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: deny}
spec:
  kprobes:
  - call: sys_mkdir
    syscall: true
    args: [{index: 1, type: int}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/mkdir]}]
      matchActions: [{action: Override, argError: -1}]
`;
const runs = 3;
/** Of a backlog that a ring holds, on which the agent's pace is measured. */
const backlog = 8_000;
const main = fileURLToPath(new URL("../../build/app/cli/main.js", import.meta.url));

/** What is reported of bursts of writes. Throws when an event is neither delivered nor counted. */
export async function measureFlood(wanted: readonly Scenario[], tell: Tell): Promise<void> {
  for (const name of ["flood_1", "flood_4", "flood_8"] as const) {
    if (!wanted.includes(name)) continue;
    const bursts: Burst[] = [];
    for (let i = 1; i <= runs; i++) {
      const burst = await measureBurst(burstSeconds[name]);
      tell({ progress: `${name}, run ${i} of ${runs}: ${JSON.stringify(burst)}` });
      bursts.push(burst);
    }
    const all = (of: (burst: Burst) => number) =>
      bursts.map((burst) => Math.round(of(burst)).toLocaleString("en-US")).join(" / ");
    const method = [
      `the least of ${runs} runs, each with an agent of its own: ${all(shareOf)} %`,
      `in the file when the burst ended ${all((b) => b.meanwhile)} of ${all((b) => b.encodable)} that one processor encodes`,
      `produced ${all((b) => b.produced)}`,
      `delivered ${all((b) => b.delivered)}`,
      `counted as lost ${all((b) => b.lost)}`,
      `missed by the reader of the socket and told to it ${all((b) => b.told)}`,
      `kills and denials, all delivered, ${all((b) => b.kills + b.denials)}`,
      `at most resident (VmHWM) ${all((b) => b.peakBytes / 1e6)} MB`,
    ].join("; ");
    tell({ value: name, number: Math.min(...bursts.map(shareOf)), method });
    if (name !== "flood_8") continue;
    const number = Math.max(...bursts.map((b) => b.peakBytes));
    tell({ value: "flood_rss", number, method: `VmHWM, the most of ${runs} runs` });
  }
}

type Burst = {
  readonly produced: number;
  readonly delivered: number;
  /** Of these what was in the file when the burst ended. */
  readonly meanwhile: number;
  readonly lost: number;
  /** What the reader of the socket was told that it missed. */
  readonly told: number;
  readonly kills: number;
  readonly denials: number;
  /** What one processor encodes while the burst lasts. */
  readonly encodable: number;
  readonly peakBytes: number;
};

/** What waited in memory when the burst ended is delivered, and left out here. */
function shareOf({ meanwhile, encodable }: Burst): number {
  return (100 * meanwhile) / encodable;
}

async function measureBurst(seconds: number): Promise<Burst> {
  // Every rotated file is kept, so that what was delivered can be counted.
  const agent = new RunningAgent(policies, ["--events-file-backups", "0"], main);
  await agent.start();
  const followed = join(agent.folder, "followed");
  const follower = follow(agent.file, followed);
  const socket = new SocketReader(agent.socket);
  await agent.until((metric) => metric("socket_readers") === 1);
  await encodeBacklog(agent); // compiles what is hot
  const eachMs = (await encodeBacklog(agent)) / backlog;
  await run("/usr/bin/true", "first-mark");
  const { produced, stops, bytesMeanwhile } = await flood(seconds, agent.folder);
  await untilIdle(agent);
  await run("/usr/bin/true", "last-mark");
  await untilIdle(agent);
  const metrics = (await agent.metrics())!;
  const peakBytes = agent.peakBytes();
  await agent.stop();
  await socket.ended;
  const file = eventFiles(agent.folder);
  await follower.end(file.length);
  assert.ok(readFileSync(followed).equals(file), "events follow gave something else");
  const counts = { file: between(file), socket: between(socket.bytes) };
  rmSync(agent.folder, { recursive: true });

  const sum = (name: string) =>
    [...metrics].reduce((all, [key, value]) => all + (key.startsWith(name) ? value : 0), 0);
  const lost = sum('bpf_missed_events_total{event="post"');
  const of = ({ byPolicy }: ReturnType<typeof eventCounts>, policy: string) =>
    byPolicy.get(policy) ?? 0;
  const delivered = of(counts.file, "flood");
  assert.equal(delivered + lost, produced);
  assert.equal(counts.socket.lines + counts.socket.told, counts.file.lines);
  for (const one of [counts.file, counts.socket]) {
    assert.equal(of(one, "kill"), stops);
    assert.equal(of(one, "deny"), stops);
  }
  const { told } = counts.socket;
  const meanwhile = of(between(file.subarray(0, bytesMeanwhile)), "flood");
  const encodable = Math.round((1_000 * seconds) / eachMs);
  return {
    ...{ produced, delivered, lost, told, kills: stops, denials: stops },
    ...{ meanwhile, encodable, peakBytes },
  };
}

/** Processor time in ms that the agent takes for a backlog in the ring, with nothing lost. */
async function encodeBacklog(agent: RunningAgent): Promise<number> {
  await untilIdle(agent);
  const before = agent.cpuMs();
  agent.signal("SIGSTOP");
  // A round of its own comes first.
  await run(probeFile("probe"), "write", String(backlog / 2), "1", String(writtenFd));
  agent.signal("SIGCONT");
  await untilIdle(agent);
  return agent.cpuMs() - before;
}

/** Writes for so long; kills and denials among them. */
async function flood(seconds: number, folder: string) {
  const flag = "/tmp/flood-flag";
  writeFileSync(flag, "");
  const stopping = sh(`stops=0
    while [ -e ${flag} ]; do
      /usr/bin/mkfifo /tmp/flood-fifo; [ $? = 137 ] || exit 1
      /usr/bin/mkdir /tmp/flood-folder; [ $? = 1 ] || exit 1
      stops=$((stops + 1))
    done
    echo $stops`);
  const writing = await run(probeFile("probe"), "flood", String(seconds), String(writtenFd));
  rmSync(flag);
  const bytesMeanwhile = bytesOf(folder);
  const stopped = await stopping;
  assert.equal(writing.code, 0);
  assert.equal(stopped.code, 0);
  return { produced: Number(writing.out), stops: Number(stopped.out), bytesMeanwhile };
}

/** Until it spends less than 3 % of a processor. */
async function untilIdle(agent: RunningAgent): Promise<void> {
  for (let before = agent.cpuMs(); ; ) {
    await sleep(1_000);
    const now = agent.cpuMs();
    if (now - before < 30) return;
    before = now;
  }
}

/** What is between the marks, or after the first; a line that is cut counts. */
function between(lines: Buffer): ReturnType<typeof eventCounts> {
  const [first, last] = [lines.indexOf("first-mark"), lines.indexOf("last-mark")];
  assert.notEqual(first, -1);
  return eventCounts(lines.subarray(first, last === -1 ? undefined : last));
}

/** All that was written, the oldest first. */
function eventFiles(folder: string): Buffer {
  return Buffer.concat(pathsOfEvents(folder).map((path) => readFileSync(path)));
}

function bytesOf(folder: string): number {
  return pathsOfEvents(folder).reduce((sum, path) => sum + sizeOf(path), 0);
}

/** 0 while the file of that name is rotated away. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function pathsOfEvents(folder: string): readonly string[] {
  const rotated = readdirSync(folder).filter((name) => /^events-.*\.log$/.test(name));
  return [...rotated.sort(), "events.log"].map((name) => join(folder, name));
}

/** `guardbee events follow`, as the container export-stdout runs it. */
function follow(file: string, out: string) {
  const fd = openSync(out, "w");
  const args = [main, "events", "follow", file];
  const child = spawn(process.execPath, args, { stdio: ["ignore", fd, "inherit"] });
  closeSync(fd);
  return {
    /** Ends it once it wrote so many bytes. */
    end: async (bytes: number): Promise<void> => {
      while (statSync(out).size < bytes) {
        assert.equal(child.exitCode, null);
        await sleep(100);
      }
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}
