import { type Clock, untilAborted } from "@guardbee/kube";
import type { Logger } from "pino";
import { enums } from "../gen/layout.ts";
import type { HookLookup } from "../kernel/hook-info.ts";
import type { RingReader } from "../kernel/native.ts";
import type { PodLookup } from "../process/pod.ts";
import type { Process, ProcessTree } from "../process/tree.ts";
import { decodeRecord, hookArgs } from "../records/decode.ts";
import {
  type BadRecord,
  detached,
  type ExitRecord,
  type HookRecord,
  type KernelRecord,
} from "../records/kernel-record.ts";
import type { EventEncoder } from "./event-json.ts";
import { LineBatch } from "./line-batch.ts";
import { PodGate, type PodGateStats } from "./pod-gate.ts";
import type { Sink } from "./sinks/sink.ts";

export type PipelineOptions = {
  /** Opens the ring buffers of the kernel side: `KernelEngine.openRings`. */
  readonly openRings: () => RingReader;
  readonly tree: ProcessTree;
  readonly encoder: EventEncoder;
  readonly hookOf: HookLookup;
  /** Absent without Kubernetes: then nothing has a pod, and nothing waits for one. */
  readonly pods?: PodLookup;
  /** How long events of a container wait for its pod; default 10 s. */
  readonly podLimitMs?: number;
  readonly sinks: readonly Sink[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once a second: follow the wall clock (`BootClock.refresh`), read loss counters. */
  readonly everySecond?: () => void;
};

/** scanned + exec + exit + hook of `received` = exported + `skipped` + `gate.waiting`. */
export type PipelineStats = {
  /** Events from the kernel, by kind; `bad`: records of which no event could be made. */
  readonly received: Readonly<Record<KernelRecord["kind"] | "bad", number>>;
  /** Processes that ran before, and were exported as execs. */
  readonly scanned: number;
  /** Lines given to the sinks. */
  readonly exported: number;
  /** Hook events of which no line was made: their policy is gone, or they could not be decoded. */
  readonly skipped: Readonly<Record<"unknownHook" | "badArguments", number>>;
  readonly gate: PodGateStats;
};

/**
 * Ring buffers → events → process tree → JSON lines → sinks. Exported are all exec and exit events
 * and what hooks report; clones only enter the tree. A batch of records is worked on at a time, and
 * the next is read when the sinks have room; until then the kernel keeps, or counts, what there is.
 */
export class EventPipeline {
  readonly #options: PipelineOptions;
  readonly #gate: PodGate;
  readonly #received = { exec: 0, clone: 0, exit: 0, hook: 0, bad: 0 };
  readonly #skipped = { unknownHook: 0, badArguments: 0 };
  #scanned = 0;
  #exported = 0;
  /** What `#flush` will give to the sinks. */
  #lines = new LineBatch();

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#gate = new PodGate({
      tree: options.tree,
      monotonic: () => options.clock.monotonic(),
      ...(options.pods === undefined ? {} : { pods: options.pods }),
      ...(options.podLimitMs === undefined ? {} : { limitMs: options.podLimitMs }),
    });
  }

  /**
   * Reads the rings and runs the sinks until aborted; what was in the rings by then is written.
   * `running`, what `scanProcesses` found, is exported first, as execs at their start (upstream).
   * Rejects when a sink cannot work at all: its path is a folder, its socket cannot be bound.
   */
  async run(running: readonly Process[], signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const sinks = this.#options.sinks.map((sink) => sink.run(ended.signal));
    for (const process of running) this.#emitExec(process, process.key.ktime);
    this.#scanned = running.length;
    this.#flush();
    const reading = this.#read(AbortSignal.any([signal, ended.signal]));
    const ticking = untilAborted(ended.signal, (each) => this.#tick(each));
    try {
      await Promise.race([reading, failureOf([ticking, ...sinks])]);
    } finally {
      ended.abort();
      await Promise.allSettled([reading, ticking, ...sinks]);
    }
  }

  /** Takes one buffer of records, as `RingReader.read` gives it. */
  accept(records: Buffer): void {
    for (let at = 0; at < records.length; ) {
      const event = decodeRecord(records, at);
      this.#received[event.kind]++;
      this.#take(event);
      at = event.next;
    }
    this.#flush();
  }

  stats(): PipelineStats {
    return {
      received: { ...this.#received },
      scanned: this.#scanned,
      exported: this.#exported,
      skipped: { ...this.#skipped },
      gate: this.#gate.stats(),
    };
  }

  async #read(signal: AbortSignal): Promise<void> {
    const rings = this.#options.openRings();
    const end = () => rings.end();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      for (let records = await rings.read(); records; records = await rings.read()) {
        this.accept(records);
        await this.#room();
      }
    } finally {
      signal.removeEventListener("abort", end);
      await rings.close();
      this.#gate.flush();
      this.#flush();
    }
  }

  /** Resolves when no sink asks to wait. */
  async #room(): Promise<void> {
    for (const sink of this.#options.sinks) {
      for (let room = sink.room?.(); room !== undefined; room = sink.room?.()) await room;
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock, tree, everySecond } = this.#options;
    for (let tick = 1; ; tick++) {
      await clock.sleep(retryMs, signal);
      this.#gate.retry();
      this.#flush();
      if (tick % ticksPerSecond !== 0) continue;
      tree.sweep();
      everySecond?.();
    }
  }

  #take(event: KernelRecord | BadRecord): void {
    const { tree } = this.#options;
    switch (event.kind) {
      case "exec":
        this.#emitExec(tree.exec(event), event.ktime);
        return;
      case "clone":
        tree.clone(event);
        return;
      case "exit":
        this.#takeExit(event);
        return;
      case "hook":
        this.#takeHook(event);
        return;
      case "bad":
        this.#reportBad(event);
    }
  }

  #takeExit(event: ExitRecord): void {
    const { tree, encoder } = this.#options;
    const process = tree.exit(event.process);
    const { process: key, tid, code, ktime } = event; // not the buffer that the event came in
    this.#emit(process, () => encoder.exit(process, { process: key, tid, code, ktime }));
  }

  #takeHook(event: HookRecord): void {
    const { hookOf, tree, encoder } = this.#options;
    const info = hookOf(event.hook);
    if (info === undefined) {
      this.#skipped.unknownHook++;
      return;
    }
    const args = hookArgs(event);
    if ("kind" in args) {
      this.#skipped.badArguments++;
      this.#reportBad(args);
      return;
    }
    const process = tree.find(event.process);
    const urgent =
      (event.flags & (enums.hook_flag.HOOK_STOPPED | enums.hook_flag.HOOK_WOULD_STOP)) !== 0;
    if (process === undefined || this.#gate.release(process)) {
      this.#add(encoder.hook(process, event, { info, args }), urgent);
      return;
    }
    const held = detached(event); // or it would keep the whole buffer
    this.#gate.hold(process, event.end - event.at, () => {
      const call = { info, args: hookArgs(held) as Exclude<typeof args, BadRecord> };
      this.#add(encoder.hook(process, held, call), urgent);
    });
  }

  #emitExec(process: Process, ktime: bigint): void {
    const tid = process.key.pid;
    this.#emit(process, () => this.#options.encoder.exec(process, { ktime, tid }));
  }

  /** `encode` is called when the line goes out, with what is known of the pod by then. */
  #emit(process: Process | undefined, encode: () => string): void {
    if (process === undefined || this.#gate.release(process)) this.#add(encode(), false);
    else this.#gate.hold(process, lineBytes, () => this.#add(encode(), false));
  }

  #add(line: string, urgent: boolean): void {
    this.#lines.add(line, urgent);
    if (this.#lines.length > flushChars) this.#flush();
  }

  #flush(): void {
    if (this.#lines.count === 0) return;
    const batch = this.#lines.take();
    this.#exported += batch.count;
    for (const sink of this.#options.sinks) sink.write(batch);
  }

  /** The first one is a story for a person, the rest is counted. */
  #reportBad({ problem }: BadRecord): void {
    if (this.#received.bad + this.#skipped.badArguments > 1) return;
    this.#options.log.error({ problem }, "kernel event could not be decoded");
  }
}

/** Rejects when one of them does; never resolves, because they end after the reading. */
function failureOf(running: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const one of running) one.catch(reject);
  });
}

const retryMs = 200;
const ticksPerSecond = 5;
const flushChars = 256 * 1024;
/** About what a held exec or exit keeps. */
const lineBytes = 256;
