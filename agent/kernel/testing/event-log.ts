import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { actionNamed } from "../../actions/index.ts";
import type { HookArg } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { argsProblem, decodeRecord, hookArgs, returnedArg } from "../../records/decode.ts";
import type { KernelRecord } from "../../records/kernel-record.ts";
import { type StackAddresses, stacksOf } from "../../records/stacks.ts";
import type { KernelEngine } from "../kernel-engine.ts";
import type { RingReader } from "../native.ts";

/** A hook event with its names: of the policy, the function and the action. */
export type SeenHook = {
  readonly policy: string;
  readonly call: string;
  readonly hook: number;
  readonly selector: number;
  readonly action: string;
  readonly monitored: boolean;
  readonly stopped: boolean;
  readonly wouldStop: boolean;
  readonly pid: number;
  readonly args: readonly HookArg[];
  /** What the call returned, where the event says it. */
  readonly returned: HookArg | undefined;
  readonly stacks: StackAddresses;
};
export type Seen = {
  readonly events: readonly KernelRecord[];
  readonly hooks: readonly SeenHook[];
};

type Waiting = { readonly is: (event: KernelRecord) => boolean; readonly done: () => void };

/** Reads the ring of `engine` from now on, and waits for what is in it. */
export class EventLog {
  readonly #engine: KernelEngine;
  readonly #ring: RingReader;
  #events: KernelRecord[] = [];
  #hooks: SeenHook[] = [];
  #waiting: Waiting[] = [];
  #marks = 0;

  constructor(engine: KernelEngine) {
    this.#engine = engine;
    this.#ring = engine.openRings();
    void this.#read();
  }

  /** What is reported while `scene` runs, of all processes, in order. */
  async during(scene: () => unknown): Promise<Seen> {
    await this.#flush();
    [this.#events, this.#hooks] = [[], []];
    await scene();
    await this.#flush();
    return { events: this.#events, hooks: this.#hooks };
  }

  /** What hooks have reported up to now of the scene that runs. */
  async now(): Promise<readonly SeenHook[]> {
    await this.#flush();
    return [...this.#hooks];
  }

  close(): Promise<void> {
    return this.#ring.close();
  }

  /** Events come in order, so once a process of our own is seen to end, all before it was seen. */
  async #flush(): Promise<void> {
    const mark = `guardbee-mark-${this.#marks++}`;
    const marked = new Promise<void>((done) => {
      const is = (event: KernelRecord) =>
        event.kind === "exec" && event.records.subarray(event.at, event.end).includes(mark);
      this.#waiting.push({ is, done });
    });
    await promisify(execFile)("/usr/bin/true", [mark]);
    await marked;
    this.#waiting = [];
  }

  async #read(): Promise<void> {
    for (let records = await this.#ring.read(); records; records = await this.#ring.read()) {
      this.#take(records);
    }
  }

  #take(records: Buffer): void {
    for (let at = 0; at < records.length; ) {
      const event = decodeRecord(records, at);
      at = event.next;
      if (event.kind === "bad") throw new Error(`the ring holds no event: ${event.problem}`);
      this.#events.push(event);
      if (event.kind === "hook") this.#hooks.push(this.#seen(event));
      for (const { is, done } of this.#waiting) if (is(event)) done();
    }
  }

  #seen(event: KernelRecord & { kind: "hook" }): SeenHook {
    const found = this.#engine.hookOf(event.hook, event.entry);
    const problem = argsProblem(event);
    if (problem !== undefined) throw new Error(`hook event ${event.hook}: ${problem}`);
    const { selector, process } = event;
    return {
      policy: found?.set.name ?? `hook ${event.hook}`,
      call: found?.functionName ?? "gone",
      hook: found?.index ?? -1,
      selector,
      action: actionNamed(event.action) ?? `action ${event.action}`,
      monitored: (event.flags & enums.hook_flag.HOOK_MONITORED) !== 0,
      stopped: (event.flags & enums.hook_flag.HOOK_STOPPED) !== 0,
      wouldStop: (event.flags & enums.hook_flag.HOOK_WOULD_STOP) !== 0,
      pid: process.pid,
      args: hookArgs(event),
      returned: returnedArg(event),
      stacks: stacksOf(event),
    };
  }
}
