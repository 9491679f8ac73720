import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { layout } from "../gen/layout.ts";
import type { HookInfo } from "../kernel/hook-info.ts";
import type { RingReader } from "../kernel/native.ts";
import { write } from "../layout/struct.ts";
import { ProcessTree } from "../process/tree.ts";
import {
  cloneRecord,
  execRecord,
  exitRecord,
  hookRecord,
  intArg,
} from "../records/testing-records.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import { createJsonLine } from "./encode/json-lines.ts";
import type { Batch } from "./encode/lines.ts";
import { createLineEncoder } from "./encode/lines.ts";
import { type AgentEvent, argsOf } from "./event.ts";
import { EventPipeline, type PipelineOptions } from "./pipeline.ts";
import type { Sink } from "./sinks/sink.ts";

const log = pino({ level: "silent" });
const info: HookInfo = {
  policy: { kind: "TracingPolicy", name: "p" },
  event: "process_kprobe",
  functionName: "f",
  args: [{ index: 0, type: "int" }],
};
const web: PodContainer = {
  pod: {
    ...{ namespace: "default", name: "web", uid: "u", labels: {} },
    ...{ workload: "web", workloadKind: "Pod" },
  },
};

class MemorySink implements Sink {
  readonly name = "memory";
  readonly batches: Batch[] = [];
  readonly #lines = createLineEncoder(createJsonLine({ nodeName: "n", bootToWallNs: (ns) => ns }));

  write(events: readonly AgentEvent[]): void {
    this.batches.push(this.#lines.encode(events));
  }
  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  }
  stats() {
    return {
      ...{ delivered: this.batches.length, bytes: 0, waiting: 0 },
      dropped: { closed: 0, backlog: 0, error: 0 },
    };
  }
  /** Kind, executable and pod of each line. */
  get seen(): readonly string[] {
    return this.#processes.map(([kind, { binary, pid, pod }]) => {
      return `${kind} ${binary ?? pid} ${pod?.name ?? "-"}`;
    });
  }
  /** Kind of each line, and the flags of its process. */
  get flags(): readonly string[] {
    return this.#processes.map(([kind, { flags }]) => `${kind} ${flags}`);
  }
  get #processes() {
    const lines = this.batches.flatMap(({ lines }) => lines.toString().trimEnd().split("\n"));
    return lines.map((line) => {
      const event = JSON.parse(line);
      const kind = Object.keys(event)[0] ?? "";
      return [kind, event[kind].process] as const;
    });
  }
}

/** Rings into which a test puts records. */
class FakeRings implements RingReader {
  closed = false;
  /** How many batches were asked for. */
  asked = 0;
  readonly #records: Buffer[] = [];
  #ended = false;
  #wake = () => {};

  /** Resolves when the records are taken. */
  async feed(...records: readonly Buffer[]): Promise<void> {
    this.#records.push(...records);
    this.#wake();
    while (this.#records.length > 0) await turn();
    await turn();
  }
  async read(): Promise<Buffer | undefined> {
    this.asked++;
    while (this.#records.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#records.shift();
  }
  end(): void {
    this.#ended = true;
    this.#wake();
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function aPipeline(change: Partial<PipelineOptions> = {}) {
  const clock = new ManualClock();
  const sink = new MemorySink();
  const tree = new ProcessTree(() => clock.monotonic());
  const ring = new FakeRings();
  const pipeline = new EventPipeline({
    ...{ tree, sinks: [sink], clock, log },
    openRings: () => ring,
    hookOf: (hook) => (hook === 7 ? info : undefined),
    ...change,
  });
  return { pipeline, clock, sink, tree, ring };
}

test("exec, exit and hook events are exported in their order, clones are not", () => {
  const { pipeline, sink } = aPipeline();
  pipeline.accept(
    Buffer.concat([
      execRecord(),
      cloneRecord(),
      hookRecord({ process: { pid: 101, ktime: 2000n }, args: [intArg(1)] }),
      exitRecord({ process: { pid: 101, ktime: 2000n }, code: 0 }),
      exitRecord({ process: { pid: 5, ktime: 5n }, code: 0 }),
    ]),
  );
  assert.deepEqual(sink.seen, [
    "process_exec /bin/sh -",
    "process_kprobe /bin/sh -",
    "process_exit /bin/sh -",
    "process_exit 5 -",
  ]);
  assert.equal(sink.batches.length, 1);
  assert.equal(sink.batches[0]?.count, 4);
});

test("garbage and hooks that are gone are counted, and nothing else is lost", () => {
  const { pipeline, sink } = aPipeline();
  const torn = hookRecord({ args: [intArg(1)] });
  write(torn, layout.event_arg, { size: 999 }, layout.hook_event.size);
  const unknownKind = cloneRecord();
  write(unknownKind, layout.event_header, { kind: 99 });
  pipeline.accept(
    Buffer.concat([torn, hookRecord({ hook: 8 }), unknownKind, execRecord(), Buffer.from("tail")]),
  );
  assert.deepEqual(sink.seen, ["process_exec /bin/sh -"]);
  assert.deepEqual(pipeline.stats(), {
    received: { exec: 1, data: 0, clone: 0, exit: 0, hook: 2, bad: 2 },
    scanned: 0,
    exported: 1,
    skipped: { unknownHook: 1, badArguments: 1 },
    gate: { waiting: 0, expired: { time: 0, space: 0 } },
    waitingForExec: 0,
    withoutExec: { space: 0, time: 0 },
    ...{ droppedTexts: 0, missedStacks: { gone: 0, busy: 0, long: 0 }, throttles: 0 },
  });
});

test("what is told of an exec before the exec is goes out behind it, as of the program that began", () => {
  const beforeExec: HookInfo = { ...info, beforeExec: true };
  const { pipeline, sink, tree } = aPipeline({ hookOf: () => beforeExec });
  const sh = { pid: 100, ktime: 1000n };
  const one = { pid: 100, ktime: 5000n };
  const told = hookRecord({ process: sh, ktime: 4000n, args: [intArg(1)] });
  const began = execRecord({ process: one, parent: sh, filename: "/one", ktime: 5000n });
  pipeline.accept(Buffer.concat([execRecord({ process: sh, ktime: 1000n }), told]));
  assert.equal(pipeline.stats().waitingForExec, 1);
  pipeline.accept(began);
  pipeline.accept(told); // from the other ring, which was read later
  assert.deepEqual(sink.seen, [
    "process_exec /bin/sh -",
    "process_exec /one -",
    "process_kprobe /one -",
    "process_kprobe /one -",
  ]);
  assert.equal(pipeline.stats().waitingForExec, 0);
  assert.deepEqual(pipeline.stats().withoutExec, { space: 0, time: 0 });
  assert.equal(sink.flags[2], "process_kprobe execve clone");
  assert.equal(tree.running(100)?.image.binary, "/one");
});

test("where no exec comes it goes out as of the program before, when the process ends at the latest", async () => {
  const beforeExec: HookInfo = { ...info, beforeExec: true };
  const { pipeline, sink, ring, clock } = aPipeline({ hookOf: () => beforeExec });
  const sh = { pid: 100, ktime: 1000n };
  const told = hookRecord({ process: sh, ktime: 4000n, args: [intArg(1)] });
  const stop = new AbortController();
  const running = pipeline.run([], stop.signal);
  await ring.feed(execRecord({ process: sh, ktime: 1000n }), told);
  for (let tick = 0; tick < 4; tick++) await clock.advance(200);
  assert.deepEqual(sink.seen.slice(1), ["process_kprobe /bin/sh -"]);
  await ring.feed(told, exitRecord({ process: sh, code: 0 }), told);
  stop.abort();
  await running;
  assert.deepEqual(sink.seen.slice(2), [
    "process_kprobe /bin/sh -",
    "process_exit /bin/sh -",
    "process_kprobe /bin/sh -",
  ]);
  assert.deepEqual(pipeline.stats().withoutExec, { space: 0, time: 3 });
  assert.deepEqual(sink.flags, [
    "process_exec execve clone",
    ...["process_kprobe execve clone unknown", "process_kprobe execve clone unknown"],
    ...["process_exit execve clone", "process_kprobe execve clone unknown"],
  ]);
});

test("what finds 4,096 waiting for their execs goes out as of the program before, and is counted", () => {
  const beforeExec: HookInfo = { ...info, beforeExec: true };
  const { pipeline, sink } = aPipeline({ hookOf: () => beforeExec });
  const sh = { pid: 100, ktime: 1000n };
  const told = hookRecord({ process: sh, ktime: 4000n, args: [intArg(1)] });
  pipeline.accept(
    Buffer.concat([execRecord({ process: sh, ktime: 1000n }), ...Array(4096).fill(told)]),
  );
  assert.deepEqual(sink.seen, ["process_exec /bin/sh -"]);
  pipeline.accept(told);
  assert.deepEqual(sink.flags.slice(1), ["process_kprobe execve clone unknown"]);
  const { waitingForExec, withoutExec } = pipeline.stats();
  assert.deepEqual([waitingForExec, withoutExec], [4096, { space: 1, time: 0 }]);
});

test("what ran before is exported first, and the end writes what still waits for a pod", async () => {
  const { pipeline, sink, tree, ring } = aPipeline({ pods: { byCgroup: () => undefined } });
  const init = tree.scanned(
    { pid: 1, ktime: 20n },
    {
      parentPid: 0,
      image: {
        ...{ binary: "/sbin/init", arguments: "", cwd: "/", uid: 0, auid: 0, flags: "procFS" },
        ...{ nspid: 0, cgroupId: 0n, docker: "", inInitTree: false },
      },
    },
  );
  const stop = new AbortController();
  const running = pipeline.run([init], stop.signal);
  await ring.feed(execRecord({ cgroupId: 9n, cgroup: "a".repeat(64) }));
  assert.deepEqual(sink.seen, ["process_exec /sbin/init -"]);
  stop.abort();
  await running;
  assert.equal(ring.closed, true);
  assert.deepEqual(sink.seen, ["process_exec /sbin/init -", "process_exec /bin/sh -"]);
});

test("a container's events come out with their pod 200 ms after it is known", async () => {
  const known = new Map<bigint, PodContainer>();
  const seconds: number[] = [];
  const { pipeline, clock, sink, ring } = aPipeline({
    pods: { byCgroup: (id) => known.get(id) },
    everySecond: () => {
      seconds.push(1);
      return [];
    },
  });
  const stop = new AbortController();
  const running = pipeline.run([], stop.signal);
  const process = { pid: 100, ktime: 1000n };
  await ring.feed(
    execRecord({ process, cgroupId: 9n, cgroup: `cri-containerd-${"a".repeat(64)}.scope` }),
  );
  await ring.feed(exitRecord({ process, code: 9 }));
  await clock.advance(600);
  assert.deepEqual(sink.seen, []);
  known.set(9n, web);
  await clock.advance(200);
  assert.deepEqual(sink.seen, ["process_exec /bin/sh web", "process_exit /bin/sh web"]);
  await clock.advance(1200);
  assert.equal(seconds.length, 2);
  stop.abort();
  await running;
});

test("the next records are read when every sink has room, and not before", async () => {
  const sink = new MemorySink();
  let room = Promise.withResolvers<void>();
  const waits: (Promise<void> | undefined)[] = [room.promise, undefined];
  const choosy = Object.assign(sink, { room: () => waits.shift() });
  const { pipeline, ring } = aPipeline({ sinks: [choosy] });
  const stop = new AbortController();
  const running = pipeline.run([], stop.signal);
  await ring.feed(execRecord());
  assert.deepEqual([sink.seen.length, ring.asked], [1, 1]);
  room.resolve();
  await turn();
  assert.equal(ring.asked, 2);
  room = Promise.withResolvers();
  waits.push(room.promise);
  await ring.feed(execRecord());
  stop.abort();
  await turn();
  assert.equal(ring.closed, false, "what is in the rings is still to be read");
  room.resolve();
  await running;
  assert.equal(sink.seen.length, 2);
});

test("lines that tell of a stop, made or left out, are urgent", () => {
  const { pipeline, sink } = aPipeline();
  const call = { process: { pid: 101, ktime: 2000n }, args: [intArg(1)] };
  pipeline.accept(
    Buffer.concat([
      hookRecord({ ...call, action: 1 }),
      hookRecord({ ...call, flags: 1 << 2 }),
      hookRecord({ ...call, flags: 1 | (1 << 3) }),
    ]),
  );
  const [batch] = sink.batches;
  assert.equal(batch?.count, 3);
  assert.equal(batch?.urgent?.count, 2);
  const lines = batch?.lines.toString().split("\n") ?? [];
  assert.equal(batch?.urgent?.lines.toString(), `${lines[1]}\n${lines[2]}\n`);
});

test("what no sink asks for is not encoded, nor its arguments decoded", () => {
  const taken: AgentEvent[] = [];
  const sink = Object.assign(new MemorySink(), {
    write: (events: readonly AgentEvent[]) => taken.push(...events),
  });
  const { pipeline } = aPipeline({ sinks: [sink] });
  const records = hookRecord({ args: [intArg(1)] });
  pipeline.accept(records);
  records.fill(0);
  const [event] = taken;
  assert.ok(event?.kind === "hook");
  assert.equal(event.json, undefined);
  assert.equal(event.args, undefined);
  assert.throws(() => argsOf(event), "they are read from the records only now");
});

test("while records follow on records, what sinks wait for is noticed", async () => {
  const { pipeline, sink, ring } = aPipeline();
  const seen: string[] = [];
  const write = sink.write.bind(sink);
  sink.write = (events) => {
    seen.push("batch");
    write(events);
    setImmediate(() => seen.push("written"));
  };
  const stop = new AbortController();
  const running = pipeline.run([], stop.signal);
  await ring.feed(execRecord(), execRecord(), execRecord());
  stop.abort();
  await running;
  assert.deepEqual(seen, ["batch", "written", "batch", "written", "batch", "written"]);
});

test("the sinks are given a flood in pieces, in its order", () => {
  const { pipeline, sink } = aPipeline();
  const call = { process: { pid: 101, ktime: 2000n } };
  const records = Array.from({ length: 300 }, (_, i) => hookRecord({ ...call, args: [intArg(i)] }));
  pipeline.accept(Buffer.concat(records));
  const counts = sink.batches.map(({ count }) => count);
  assert.deepEqual([counts, pipeline.stats().exported], [[...Array(37).fill(8), 4], 300]);
  const text = sink.batches.map(({ lines }) => lines.toString()).join("");
  const values = text.match(/(?<="int_arg":)\d+/g)?.map(Number);
  assert.deepEqual(values, Array.from(records.keys()));
});

test("a sink that cannot work at all ends the run", async () => {
  const broken = new MemorySink();
  broken.run = () => Promise.reject(new Error("no socket"));
  const { pipeline, ring } = aPipeline({ sinks: [broken] });
  await assert.rejects(pipeline.run([], new AbortController().signal), { message: "no socket" });
  assert.equal(ring.closed, true);
});
