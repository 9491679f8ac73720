import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { PodLookup } from "../process/pod.ts";
import type { Process, ProcessTree } from "../process/tree.ts";
import { decodeEvent, hookArgs } from "./decode.ts";
import type { EventEncoder } from "./event-json.ts";
import type { HookLookup } from "./hook-info.ts";
import type { BadEvent, HookEvent, KernelEvent } from "./kernel-event.ts";
import { PodGate, type PodGateStats } from "./pod-gate.ts";
import type { Sink } from "./sinks/sink.ts";

export type PipelineOptions = {
  /** Opens the ring buffer of the kernel side: `Native.openRing` with its map. */
  readonly openRing: (onRecords: (records: Buffer) => void) => { close(): Promise<void> };
  readonly tree: ProcessTree;
  readonly encoder: EventEncoder;
  readonly hookInfo: HookLookup;
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

export type PipelineStats = {
  /** Events from the kernel, by kind. */
  readonly received: Readonly<Record<KernelEvent["kind"] | "bad", number>>;
  /** Lines given to the sinks. */
  readonly exported: number;
  /** Hook events of which no line was made: their policy is gone. */
  readonly skipped: { readonly unknownHook: number };
  readonly gate: PodGateStats;
};

/**
 * Ring buffer → events → process tree → JSON lines → sinks. Exported are all exec and exit events
 * and what hooks report; clones only enter the tree.
 */
export class EventPipeline {
  readonly #options: PipelineOptions;
  readonly #gate: PodGate;
  readonly #received = { exec: 0, clone: 0, exit: 0, hook: 0, bad: 0 };
  readonly #skipped = { unknownHook: 0 };
  #exported = 0;
  /** Lines that `#flush` will give to the sinks, and how many. */
  #lines = "";
  #lineCount = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#gate = new PodGate({
      monotonic: () => options.clock.monotonic(),
      ...(options.pods === undefined ? {} : { pods: options.pods }),
      ...(options.podLimitMs === undefined ? {} : { limitMs: options.podLimitMs }),
    });
  }

  /**
   * Reads the ring buffer and runs the sinks until aborted; what was read by then is written.
   * `running`, what `scanProcesses` found, is exported first, as execs at their start (upstream).
   * Rejects when a sink cannot work at all: its path is a folder, its socket cannot be bound.
   */
  async run(running: readonly Process[], signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const sinks = this.#options.sinks.map((sink) => sink.run(ended.signal));
    for (const process of running) this.#emitExec(process, process.key.ktime);
    this.#flush();
    const reading = this.#read(AbortSignal.any([signal, ended.signal]));
    try {
      await Promise.race([reading, failureOf(sinks)]);
    } finally {
      ended.abort();
      await Promise.allSettled([reading, ...sinks]);
    }
  }

  /** Takes one buffer of records, as `Native.openRing` hands it over. */
  accept(records: Buffer): void {
    for (let at = 0; at < records.length; ) {
      const event = decodeEvent(records, at);
      this.#received[event.kind]++;
      this.#take(event);
      at = event.next;
    }
    this.#flush();
  }

  stats(): PipelineStats {
    return {
      received: { ...this.#received },
      exported: this.#exported,
      skipped: { ...this.#skipped },
      gate: this.#gate.stats(),
    };
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { clock, openRing, tree, everySecond } = this.#options;
    const ring = openRing((records) => this.accept(records));
    try {
      for (let tick = 1; ; tick++) {
        await clock.sleep(retryMs, signal);
        this.#gate.retry();
        this.#flush();
        if (tick % ticksPerSecond !== 0) continue;
        tree.sweep();
        everySecond?.();
      }
    } catch (error) {
      if (error !== signal.reason) throw error; // abort is the normal end
    } finally {
      await ring.close();
      this.#gate.flush();
      this.#flush();
    }
  }

  #take(event: KernelEvent | BadEvent): void {
    const { tree } = this.#options;
    switch (event.kind) {
      case "exec":
        this.#emitExec(tree.exec(event), event.ktime);
        return;
      case "clone":
        tree.clone(event);
        return;
      case "exit": {
        const process = tree.exit(event.process);
        this.#emit(process, () => this.#options.encoder.exit(process, event));
        return;
      }
      case "hook":
        this.#takeHook(event);
        return;
      case "bad":
        this.#reportBad(event);
    }
  }

  #takeHook(event: HookEvent): void {
    const { hookInfo, tree, encoder } = this.#options;
    const info = hookInfo(event.hook);
    if (info === undefined) {
      this.#skipped.unknownHook++;
      return;
    }
    const args = hookArgs(event);
    if ("kind" in args) {
      this.#received.bad++;
      this.#reportBad(args);
      return;
    }
    const process = tree.find(event.process);
    this.#emit(process, () => encoder.hook(process, event, { info, args }));
  }

  #emitExec(process: Process, ktime: bigint): void {
    const tid = process.key.pid;
    this.#emit(process, () => this.#options.encoder.exec(process, { ktime, tid }));
  }

  /** `encode` is called when the line goes out, with what is known of the pod by then. */
  #emit(process: Process | undefined, encode: () => string): void {
    if (process === undefined || this.#gate.ready(process)) this.#add(encode());
    else this.#gate.hold(process, () => this.#add(encode()));
  }

  #add(line: string): void {
    this.#lines += line;
    this.#lineCount++;
    if (this.#lines.length > flushChars) this.#flush();
  }

  #flush(): void {
    if (this.#lineCount === 0) return;
    const batch = { lines: Buffer.from(this.#lines), count: this.#lineCount };
    this.#exported += batch.count;
    this.#lines = "";
    this.#lineCount = 0;
    for (const sink of this.#options.sinks) sink.write(batch);
  }

  /** The first one is a story for a person, the rest is counted. */
  #reportBad({ problem }: BadEvent): void {
    if (this.#received.bad > 1) return;
    this.#options.log.error({ problem }, "kernel event could not be decoded");
  }
}

/** Rejects when one of them does; never resolves, because sinks end after the reading. */
function failureOf(sinks: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const sink of sinks) sink.catch(reject);
  });
}

const retryMs = 200;
const ticksPerSecond = 5;
const flushChars = 256 * 1024;
