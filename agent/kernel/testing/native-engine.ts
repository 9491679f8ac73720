/** Test support: the engine's C, compiled for this machine (bpf/testing), with what agent/compile makes. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type {
  ExecFacts,
  FollowState,
  HookCall,
  Notices,
  OpenFile,
  Parameter,
  Process,
} from "@guardbee/policy";
import { describeFilePlace } from "../../../policy/file-place.ts";
import { upstreamNamespaces } from "../../../policy/schema/vocabulary.ts";
import { actionNamed } from "../../actions/index.ts";
import type { HookArg } from "../../args/index.ts";
import type { AttachAbilities } from "../../attach/index.ts";
import { numberOfSet } from "../../compile/actions.ts";
import { binaryKey, binaryPrefixKey, type Entry } from "../../compile/keys.ts";
import { type AttachPoint, type PlannedHook, plan } from "../../compile/plan.ts";
import { pathsOf, readingsOf } from "../../compile/readings.ts";
import { compile, type Tables } from "../../compile/tables.ts";
import { ableKernel } from "../../compile/testing/compiled.ts";
import type { NamedSet } from "../../engine.ts";
import { enums, layout } from "../../gen/layout.ts";
import { bytesOf, read } from "../../layout/struct.ts";
import { argsProblem, decodeRecord, hookArgs, returnedArg } from "../../records/decode.ts";
import { numberBinaries } from "../binaries.ts";
import type { CgroupPath } from "./cgroup-classes.ts";
import { foundPath, inMemory } from "./native-paths.ts";
import { packetBytes, sockBytes } from "./network.ts";

/** One that has 32-bit entries of system calls, too. */
const abilities: AttachAbilities = {
  ...ableKernel,
  findPath: foundPath,
  entriesOf: ({ on }) =>
    on.kind === "kprobe" && on.syscall
      ? [{ symbol: `__ia32_${on.call}`, number: 1, registers: "32-bit" }]
      : [],
};

/** What the engine did about one call. */
export type Done = {
  /** Of the events: which hook, and what it says. */
  readonly events: readonly {
    readonly set: string;
    readonly hook: number;
    readonly selector: number;
    /** Of the process that the event is about. */
    readonly pid: number;
    readonly action: string;
    readonly monitored: boolean;
    readonly stopped: boolean;
    readonly wouldStop: boolean;
    readonly args: readonly HookArg[];
    readonly returned: HookArg | undefined;
  }[];
  readonly signals: readonly number[];
  /** 0, or -errno that the call returns instead. */
  readonly returned: number;
  readonly follows: FollowState;
  /** Pid of the process that the socket of the call is tracked for; 0: none. */
  readonly tracker: number;
  /** What is left for the thread's next calls of enforcers. */
  readonly notices: Notices;
};

/** The engine in a process of its own. One request at a time. */
export class NativeEngine {
  readonly #child: ChildProcess;
  /** Bytes that came and were not read yet. Written by #take. */
  #received = Buffer.alloc(0);
  readonly #chunks: AsyncIterator<Buffer>;
  #points: readonly AttachPoint[] = [];
  #groups: readonly string[] = [];

  constructor() {
    const runner = fileURLToPath(
      new URL("../../../bpf/testing/build/engine-runner", import.meta.url),
    );
    this.#child = spawn(runner, { stdio: ["pipe", "pipe", "inherit"] });
    this.#chunks = this.#child.stdout![Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    await once(this.#child, "close");
  }

  /** Programs `sets`; scope class n holds those in `classes[n]`. `slot` is the one in force. */
  load(
    sets: readonly NamedSet[],
    { classes, slot }: { readonly classes: readonly ReadonlySet<string>[]; readonly slot: 0 | 1 },
  ): void {
    const { points, refused } = plan(sets, abilities);
    if (refused.size > 0) throw new Error(`refused: ${JSON.stringify([...refused])}`);
    const binaries = numberBinaries(sets);
    this.#points = points;
    this.#groups = sets.map(({ name }) => name).slice(0, enums.engine_limit.FOLLOW_GROUPS);
    const followGroups = new Map(this.#groups.map((name, group) => [name, group]));
    const entries = (ids: ReadonlyMap<string, number>, key: (path: string) => Uint8Array) =>
      [...ids].map(([path, id]): Entry => ({ key: key(path), value: u32(id) }));
    this.#send(
      ...[Buffer.from("B"), u32(slot)],
      ...entriesOf(entries(binaries.exact, binaryKey)),
      ...entriesOf(entries(binaries.prefix, binaryPrefixKey)),
      ...entriesOf(entries(binaries.postfix, binaryPrefixKey)),
    );
    const shared = {
      ...{ classes, classCapacity: classes.length, followGroups, binaries },
      hookNumber: (planned: PlannedHook) => this.#hooks().indexOf(planned),
    };
    for (const point of points) {
      const tables = compile(point, shared);
      this.#send(Buffer.from("P"), ...tablesOf(tables));
    }
  }

  /**
   * What the engine does about `call`, made by a process in those cgroups at a second; `crowded`: while
   * others have all the memory of this processor.
   */
  async call(
    call: HookCall,
    follows: FollowState,
    {
      cgroups,
      at: second,
      crowded = false,
    }: { readonly cgroups: CgroupPath; readonly at: number; readonly crowded?: boolean },
  ): Promise<Done> {
    const at = this.#points.findIndex((point) => serves(point, call));
    const other = this.#points.findIndex(
      ({ site }) => site === `return of ${this.#points[at]?.site}`,
    );
    const { tracker: before = 0 } = call;
    const { notices = new Map() } = call;
    if (at === -1) {
      return { events: [], signals: [], returned: 0, follows, tracker: before, notices };
    }
    const flags =
      (call.on.kind === "exec" ? 1 : 0) |
      (crowded ? 2 : 0) |
      (call.waitsNoMore ? 4 : 0) |
      (call.on.kind === "tracepoint" ? 8 : 0);
    this.#send(
      ...[Buffer.from("C"), u32(at), u32(other), u32(flags)],
      u64(BigInt(second) * 1_000_000_000n),
      ...cgroupsOf(cgroups),
      ...processOf(call.process),
      ...filesOf(call),
      ...parametersOf(call, this.#points[at]!),
      u64(call.returned ?? 0n),
      ...[u32(call.followsNoMore ? 0 : 1), ...this.#followedOf(call, follows)],
      u64(this.#bitsOf((name) => call.mayFollow?.has(name) ?? false)),
      u32(call.tracker ?? 0),
      ...noticesOf(notices),
    );
    const returned = (await this.#take(4)).readInt32LE();
    const signals: number[] = [];
    for (let left = await this.#takeU32(); left > 0; left--) signals.push(await this.#takeU32());
    const records = await this.#take(await this.#takeU32());
    const after = new Map<string, Set<number>>();
    for (let left = await this.#takeU32(); left > 0; left--) {
      const id = await this.#takeU32();
      const groups = (await this.#take(8)).readBigUInt64LE();
      for (const [group, name] of this.#groups.entries()) {
        if ((groups >> BigInt(group)) & 1n) after.set(name, (after.get(name) ?? new Set()).add(id));
      }
    }
    const tracker = await this.#takeU32();
    const left = this.#noticesIn(await this.#take(layout.notices.size));
    return {
      ...{ events: this.#eventsOf(records), signals, returned, follows: after },
      ...{ tracker, notices: left },
    };
  }

  #noticesIn(bytes: Uint8Array): Notices {
    const names = new Map(this.#groups.map((name) => [numberOfSet(name), name]));
    const { of } = read(bytes, layout.notices);
    return new Map(
      of.flatMap(({ set, error, signal }) =>
        set === 0 ? [] : [[names.get(set)!, { signal, error: 0 - error }] as const],
      ),
    );
  }

  #eventsOf(records: Buffer): Done["events"] {
    const hooks = this.#hooks();
    const events = [];
    for (let at = 0; at < records.length; ) {
      const event = decodeRecord(records, at);
      if (event.kind !== "hook") throw new Error(`an event of kind ${event.kind}`);
      const problem = argsProblem(event);
      if (problem !== undefined) throw new Error(problem);
      const { set, index } = hooks[event.hook]!;
      events.push({
        set: set.name,
        hook: index,
        selector: event.selector,
        pid: event.process.pid,
        action: actionNamed(event.action)!,
        monitored: (event.flags & enums.hook_flag.HOOK_MONITORED) !== 0,
        stopped: (event.flags & enums.hook_flag.HOOK_STOPPED) !== 0,
        wouldStop: (event.flags & enums.hook_flag.HOOK_WOULD_STOP) !== 0,
        args: hookArgs(event),
        returned: returnedArg(event),
      });
      at = event.next;
    }
    return events;
  }

  /** Files of the call that are followed. Others are not there for the engine. */
  #followedOf(call: HookCall, follows: FollowState): readonly Uint8Array[] {
    const followed = [...filesIn(call).keys()].flatMap((id) => {
      const groups = this.#bitsOf((name) => follows.get(name)?.has(id) ?? false);
      return groups === 0n ? [] : [[u32(id), u64(groups)] as const];
    });
    return [u32(followed.length), ...followed.flat()];
  }

  /** The groups of those sets. */
  #bitsOf(is: (set: string) => boolean): bigint {
    const add = (bits: bigint, name: string, group: number) =>
      is(name) ? bits | (1n << BigInt(group)) : bits;
    return this.#groups.reduce(add, 0n);
  }

  /** By number. */
  #hooks(): readonly PlannedHook[] {
    return this.#points.flatMap(({ hooks }) => hooks);
  }

  #send(...parts: readonly Uint8Array[]): void {
    this.#child.stdin!.write(Buffer.concat(parts));
  }

  async #takeU32(): Promise<number> {
    return (await this.#take(4)).readUInt32LE();
  }

  async #take(size: number): Promise<Buffer> {
    while (this.#received.length < size) {
      const { value, done } = await this.#chunks.next();
      if (done) throw new Error("the engine's runner has ended");
      this.#received = Buffer.concat([this.#received, value]);
    }
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return taken;
  }
}

function serves({ symbol, kind }: AttachPoint, { on, is32Bit }: HookCall): boolean {
  if (kind.sees === "return") return false;
  if (on.kind === "exec") return kind.name === "exec";
  if (on.kind === "lsm") return kind.name === "lsm" && symbol === on.hook;
  if (on.kind === "rawTracepoint") return kind.name === "raw_tp" && symbol === on.event;
  if (on.kind === "tracepoint") return symbol === `${on.subsystem}:${on.event}`;
  if (on.kind === "functions") return false; // none of the calls that tests draw
  if (on.kind === "uprobe" || on.kind === "usdt") return symbol === describeFilePlace(on);
  const prefix = is32Bit ? "__ia32_" : abilities.syscallPrefix;
  return symbol === (on.syscall ? prefix : "") + on.call;
}

function tablesOf(tables: Tables): readonly Uint8Array[] {
  const lists = [tables.numbers, tables.equals, tables.prefixes].flatMap(entriesOf);
  return [
    ...[tables.spec, u32(tables.table.length), tables.table],
    ...[u32(tables.rows.length), ...tables.rows, ...lists],
    ...[u32(tables.actions.length), ...tables.actions],
    ...[u32(tables.starts.length), ...tables.starts],
    ...[u32(tables.substrings.length), ...tables.substrings],
  ];
}

function entriesOf(entries: readonly Entry[]): readonly Uint8Array[] {
  return [u32(entries.length), ...entries.flatMap(({ key, value }) => [key, value])];
}

/** A cgroup has its level as its id. */
function cgroupsOf({ place, rootLevel, isBelowRoot, classes }: CgroupPath): readonly Uint8Array[] {
  const root = isBelowRoot ? rootLevel : 0xffff;
  return [
    ...[u32(place), u32(rootLevel), u32(root), u32(classes.length)],
    ...classes.flatMap((known) => [Buffer.of(known === undefined ? 0 : 1), u32(known ?? 0)]),
  ];
}

function noticesOf(notices: Notices): readonly Uint8Array[] {
  return [
    u32(notices.size),
    ...[...notices].map(([name, { signal, error }]) =>
      bytesOf(layout.notice, { set: numberOfSet(name), signal, error: -error }),
    ),
  ];
}

function processOf(process: Process): readonly Uint8Array[] {
  const { effective, permitted, inheritable } = process.capabilities;
  const { inHostUserNamespace, isProtected, startsContainer } = process;
  const flags = (inHostUserNamespace ? 1 : 0) | (isProtected ? 2 : 0) | (startsContainer ? 4 : 0);
  return [
    ...[u32(process.pid), u32(process.nspid), u32(flags)],
    ...[effective, permitted, inheritable].map(u64),
    ...upstreamNamespaces.map((name) => u32(process.namespaces[name] ?? 0)),
    ...upstreamNamespaces.map((name) => u32(process.hostNamespaces[name] ?? 0)),
    u32(process.ancestors.length),
    ...process.ancestors.flatMap((pid, i) => [u32(pid), u32(process.nsAncestors[i] ?? 0)]),
    ...[...pathOf(process.binary), ...pathOf(process.parentBinary)],
    ...beforeOf(process),
  ];
}

/** struct identity, but whose it is. */
function beforeOf({ before }: Process): readonly Uint8Array[] {
  if (before === undefined) return [Buffer.of(0)];
  const { effective, inheritable, permitted } = before.capabilities;
  return [
    ...[Buffer.of(1), ...[effective, inheritable, permitted].map(u64)],
    ...upstreamNamespaces.map((name) => u32(before.namespaces[name] ?? 0)),
  ];
}

function filesIn({ descriptors, parameters, resolved }: HookCall): ReadonlyMap<number, OpenFile> {
  const given = [...parameters, ...(resolved?.values() ?? [])];
  const opened = given.flatMap((one) => ("file" in one ? [one.file] : []));
  return new Map([...descriptors.values(), ...opened].map((file) => [file.id, file]));
}

function filesOf(call: HookCall): readonly Uint8Array[] {
  const files = [...filesIn(call).values()];
  return [
    u32(files.length),
    ...files.flatMap(({ id, path, isDetached, format = 0o100000 }) => [
      ...[u32(id), Buffer.of(isDetached ? 1 : 0), u32(format)],
      ...pathOf(path),
    ]),
    u32(call.descriptors.size),
    ...[...call.descriptors].flatMap(([fd, { id }]) => [u32(fd), u32(id)]),
  ];
}

/** The parameters, and behind them where the paths of the attach point lead. */
function parametersOf(call: HookCall, point: AttachPoint): readonly Uint8Array[] {
  const { parameters, is32Bit } = call;
  const paths = pathsOf(readingsOf(point).all);
  const { FIRST_PATH } = enums.engine_limit;
  const padding = Array<Parameter>(paths.length === 0 ? 0 : FIRST_PATH - parameters.length);
  const led = paths.map((key) => call.resolved?.get(key) ?? ({ kind: "unread" } as const));
  const all = [...parameters, ...padding.fill({ kind: "number", value: 0n }), ...led];
  return [
    u32(all.length),
    ...all.flatMap((one, i) => {
      const path = i < FIRST_PATH ? undefined : paths[i - FIRST_PATH];
      if (one.kind === "number") return [Buffer.of(0), u64(inMemory(one.value, path))];
      const object = objectOf(one, is32Bit);
      if (object !== undefined) return [Buffer.of(object.code), ...object.parts];
      return [Buffer.of(3)];
    }),
  ];
}

/** Bytes that a pointer leads to, or a kernel object; undefined where that cannot be read. */
function objectOf(
  one: Exclude<Parameter, { kind: "number" }>,
  is32Bit: true | undefined,
): { readonly code: number; readonly parts: readonly Uint8Array[] } | undefined {
  switch (one.kind) {
    case "unread":
      return { code: 64, parts: [] };
    case "area":
      return { code: 17, parts: [] };
    case "file":
      return { code: 1, parts: [u32(one.file.id)] };
    case "struct":
      return {
        code: structCodes[one.name]!,
        parts: [u32(one.file.id), ...(one.exec ? execOf(one.exec) : [])],
      };
    case "buffer":
      return one.bytes && { code: 2, parts: sized(one.bytes) };
    case "filename":
      return one.bytes && { code: 12, parts: sized(one.bytes) };
    case "iovec":
      return one.parts && { code: is32Bit ? 15 : 14, parts: partsOf(one.parts) };
    case "iov_iter":
      return one.parts && { code: 16, parts: partsOf(one.parts) };
    case "sock":
    case "socket":
      return one.sock && { code: one.kind === "sock" ? 4 : 5, parts: [sockBytes(one.sock)] };
    case "skb":
      return one.packet && { code: 6, parts: sized(packetBytes(one.packet)) };
    case "capabilities":
      return one.bits === undefined ? undefined : { code: 13, parts: [u64(one.bits)] };
    case "net_device":
      return one.name === undefined ? undefined : { code: 7, parts: sized(Buffer.from(one.name)) };
  }
}

/** What leads to a file, by the name of its struct. */
const structCodes: Readonly<Record<string, number>> = {
  ...{ path: 8, dentry: 9, kiocb: 10, linux_binprm: 11 },
};

const origins = ["image", "changed", "deleted", "elsewhere", "ownMount"] as const;

function execOf({ user, group, setsUser, setsGroup, origin, ...is }: ExecFacts) {
  return [
    ...[user, group, setsUser ?? 0xffff_ffff, setsGroup ?? 0xffff_ffff].map(u32),
    Buffer.of(origins.indexOf(origin)),
    Buffer.of(
      (is.isInteractive ? 1 : 0) |
        (is.startsContainer ? 2 : 0) |
        (is.isInterpreter ? 4 : 0) |
        (is.isScript ? 8 : 0) |
        (is.digest === undefined ? 0 : 16),
    ),
    Buffer.from(is.digest ?? "", "hex"),
  ];
}

function sized(bytes: Uint8Array): readonly Uint8Array[] {
  return [u32(bytes.length), bytes];
}

function partsOf(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  return [u32(parts.length), ...parts.flatMap(sized)];
}

function pathOf(path: string | undefined): readonly Uint8Array[] {
  if (path === undefined) return [u32(0xffff_ffff)];
  const text = Buffer.from(path);
  return [u32(text.length), text];
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}
