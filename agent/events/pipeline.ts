import { setImmediate } from "node:timers/promises";
import { type Clock, untilAborted } from "@guardbee/kube";
import type { Request } from "@guardbee/policy";
import type { Logger } from "pino";
import type { HookInfo, HookLookup } from "../kernel/hook-info.ts";
import type { RingReader } from "../kernel/native.ts";
import { longTextOf } from "../process/long-images.ts";
import type { AncestorFamily } from "../process/options.ts";
import type { Process } from "../process/process.ts";
import type { ProcessTree } from "../process/tree.ts";
import { argsProblem, decodeRecord } from "../records/decode.ts";
import { ExecData, type LongText } from "../records/exec-data.ts";
import {
  type BadRecord,
  detached,
  type ExecRecord,
  type ExitRecord,
  type HookRecord,
  type KernelRecord,
} from "../records/kernel-record.ts";
import { stacksOf } from "../records/stacks.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import type { MissedStacks, StackNames } from "../stacks/stacks.ts";
import {
  type AgentEvent,
  type Ancestors,
  execEvent,
  exitEvent,
  type HookDetails,
  hookEvent,
} from "./event.ts";
import { ExecGate, type WithoutExec } from "./exec-gate.ts";
import { PodGate, type PodGateStats } from "./pod-gate.ts";
import type { Sink } from "./sinks/sink.ts";

export type PipelineOptions = {
  /** Opens the ring buffers of the kernel side: `KernelEngine.openRings`. */
  readonly openRings: () => RingReader;
  readonly tree: ProcessTree;
  readonly hookOf: HookLookup;
  /** Absent without Kubernetes: then nothing has a pod, and nothing waits for one. */
  readonly pods?: PodLookup;
  /** How long events of a container wait for its pod; default 10 s. */
  readonly podLimitMs?: number;
  /** Which events have the ancestors of their process; absent: none. */
  readonly ancestors?: ReadonlySet<AncestorFamily>;
  readonly sinks: readonly Sink[];
  /** Makes a request that a policy asks for with an event. Absent: none does. */
  readonly request?: (request: Request) => void;
  /** Names what the addresses of stacks are of. Absent: events have none. */
  readonly stacks?: StackNames;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once a second; gives events that no record of the kernel tells of. */
  readonly everySecond?: () => readonly AgentEvent[];
};

/** scanned + throttles + exec + exit + hook of `received` = exported + `skipped` + what waits. */
export type PipelineStats = {
  /** Records from the kernel, by kind; `bad`: bytes that are no record. */
  readonly received: Readonly<Record<KernelRecord["kind"] | "bad", number>>;
  /** Processes that ran before, and were exported as execs. */
  readonly scanned: number;
  /** Events that tell of a cgroup whose others are held back. */
  readonly throttles: number;
  /** Events given to the sinks. */
  readonly exported: number;
  /** Hook records of which no event was made: their policy is gone, or they could not be decoded. */
  readonly skipped: Readonly<Record<"unknownHook" | "badArguments", number>>;
  readonly gate: PodGateStats;
  /** Events that wait for the exec that they are about. */
  readonly waitingForExec: number;
  /** Events of which that exec did not come: they are of the program before. */
  readonly withoutExec: WithoutExec;
  /** Processes of whose argv or environment parts were dropped, because too many waited for their exec. */
  readonly droppedTexts: number;
  /** Stacks of processes that were left out or have no names, by cause. */
  readonly missedStacks: MissedStacks;
};

/**
 * Ring buffers → records → process tree → pod gate → events → sinks. Exported are all exec and exit events
 * and what hooks report; clones only enter the tree. A batch of records is worked on at a time, and
 * the next is read when the sinks have room; until then the kernel keeps, or counts, what there is.
 */
export class EventPipeline {
  readonly #options: PipelineOptions;
  readonly #gate: PodGate;
  readonly #execs: ExecGate;
  readonly #data = new ExecData();
  readonly #received = { exec: 0, data: 0, clone: 0, exit: 0, hook: 0, bad: 0 };
  readonly #skipped = { unknownHook: 0, badArguments: 0 };
  #scanned = 0;
  #throttles = 0;
  #exported = 0;
  /** What `#flush` will give to the sinks. */
  #events: AgentEvent[] = [];

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#execs = new ExecGate(options.tree);
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
    for (const process of running) this.#takeExec(process, process.key.ktime);
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
      const record = decodeRecord(records, at);
      this.#received[record.kind]++;
      this.#take(record);
      at = record.next;
    }
    this.#flush();
  }

  stats(): PipelineStats {
    return {
      received: { ...this.#received },
      scanned: this.#scanned,
      throttles: this.#throttles,
      exported: this.#exported,
      skipped: { ...this.#skipped },
      gate: this.#gate.stats(),
      waitingForExec: this.#execs.waiting,
      withoutExec: this.#execs.without,
      droppedTexts: this.#data.dropped,
      missedStacks: this.#options.stacks?.missed ?? noneMissed,
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
        await setImmediate(); // the addon gives up to 1,000 batches in one turn else (Node-API)
        await this.#room();
      }
    } finally {
      signal.removeEventListener("abort", end);
      await rings.close();
      this.#execs.flush();
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
      this.#execs.retry();
      this.#gate.retry();
      this.#flush();
      if (tick % ticksPerSecond !== 0) continue;
      tree.sweep();
      for (const event of everySecond?.() ?? []) {
        this.#throttles++;
        this.#add(event);
      }
      this.#flush();
    }
  }

  #take(record: KernelRecord | BadRecord): void {
    const { tree } = this.#options;
    switch (record.kind) {
      case "exec": {
        const process = tree.exec(record, this.#longTextOf(record));
        this.#takeExec(process, record.ktime);
        this.#execs.began(process);
        return;
      }
      case "data":
        this.#data.add(record);
        return;
      case "clone":
        tree.clone(record);
        return;
      case "exit":
        this.#execs.ended(record.process.pid);
        this.#takeExit(tree.exit(record.process), record);
        return;
      case "hook":
        this.#takeHook(record);
        return;
      case "bad":
        this.#reportBad(record.problem);
    }
  }

  #longTextOf({ process, argsData, envData }: ExecRecord): LongText | undefined {
    return argsData === 0 && envData === 0 ? undefined : this.#data.take(process);
  }

  #takeHook(record: HookRecord): void {
    const { hookOf, tree } = this.#options;
    const hook = hookOf(record.hook, record.entry);
    if (hook === undefined) {
      this.#skipped.unknownHook++;
      return;
    }
    const problem = argsProblem(record);
    if (problem !== undefined) {
      this.#skipped.badArguments++;
      this.#reportBad(problem);
      return;
    }
    hook.reports?.add(record);
    for (const request of hook.requests?.[record.selector] ?? []) this.#options.request?.(request);
    const details = {
      ancestors: this.#ancestors(familyOf(hook)),
      // Before it waits for anything: what the process has mapped is gone with it.
      stacks: hook.hasStacks
        ? this.#options.stacks?.of(stacksOf(record), record.process)
        : undefined,
    };
    if (hook.beforeExec) {
      this.#execs.take(detached(record), (process, its, image) =>
        this.#giveHook(process, its, hook, { ...details, image }),
      );
    } else this.#giveHook(tree.find(record.process), record, hook, details);
  }

  #giveHook(
    process: Process | undefined,
    record: HookRecord,
    hook: HookInfo,
    details: HookDetails,
  ): void {
    if (process === undefined || this.#gate.release(process)) {
      this.#add(hookEvent(process, record, hook, details));
      return;
    }
    const held = detached(record); // or it would keep the whole buffer
    const bytes = record.end - record.at;
    this.#gate.hold(process, bytes, () => this.#add(hookEvent(process, held, hook, details)));
  }

  #takeExec(process: Process, ktime: bigint): void {
    this.#addOrHold(process, () => execEvent(process, ktime, this.#ancestors("base")));
  }

  #takeExit(process: Process | undefined, { ktime, process: key, code }: ExitRecord): void {
    const exit = { ktime, process: key, code };
    this.#addOrHold(process, () => exitEvent(process, exit, this.#ancestors("base")));
  }

  #ancestors(family: AncestorFamily): Ancestors {
    return this.#options.ancestors?.has(family) === true ? "with ancestors" : "without";
  }

  /** `make` is called when the event goes out, with what is known of the pod by then. */
  #addOrHold(process: Process | undefined, make: () => AgentEvent): void {
    if (process === undefined || this.#gate.release(process)) this.#add(make());
    else {
      const bytes = heldBytes + longTextOf(process.image);
      this.#gate.hold(process, bytes, () => this.#add(make()));
    }
  }

  #add(event: AgentEvent): void {
    this.#events.push(event);
    if (this.#events.length === flushCount) this.#flush();
  }

  #flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#exported += events.length;
    for (const sink of this.#options.sinks) sink.write(events);
  }

  /** The first problem is logged for a person, the rest is counted. */
  #reportBad(problem: string): void {
    if (this.#received.bad + this.#skipped.badArguments > 1) return;
    this.#options.log.error({ problem }, "record of the kernel cannot be decoded");
  }
}

/** Rejects when one of them does; never resolves, because they end after the reading. */
function failureOf(running: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const one of running) one.catch(reject);
  });
}

/** `process_kprobe` and its like: the rest of the name. */
function familyOf({ event }: HookInfo): AncestorFamily {
  return event.slice("process_".length) as AncestorFamily;
}

const noneMissed: MissedStacks = { gone: 0, busy: 0, long: 0 };
const retryMs = 200;
const ticksPerSecond = 5;
/**
 * How many events the sinks are given at once. More of them survive the collections of young objects,
 * and those, of 1 MiB, come more often and copy more: 128 cost twice as much processor time an event
 * as 8 do, 32 cost 13 % more, and 4 cost 2 % more.
 */
const flushCount = 8;
/** About what a held exec or exit keeps. */
const heldBytes = 256;
