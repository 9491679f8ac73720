/** Test support: what `policy/decide` says about a list of calls that one process makes. */
import {
  decide,
  type FollowState,
  forgetFile,
  type HookCall,
  type Notices,
  type OpenFile,
  type Outcome,
  type Parameter,
  type Process,
  type Sock,
} from "@guardbee/policy";
import { aggregated, type Windows } from "../../../policy/decide/aggregate.ts";
import { scopeNames } from "../../../policy/decide/arbitrary.ts";
import { type Reported, rateLimited } from "../../../policy/decide/rate-limit.ts";
import type { NamedSet } from "../../engine.ts";
import { ownFunction } from "./oracle-processes.ts";

/** One call that a driver makes. Texts have no spaces. */
export type Call =
  | { readonly call: "open"; readonly path: string }
  | { readonly call: "dup" | "close"; readonly fd: number }
  /** Without `text`, from memory that cannot be read. */
  | { readonly call: "write"; readonly fd: number; readonly text?: string }
  /** The driver's own function, with the parameters of a write. */
  | { readonly call: "own"; readonly fd: number; readonly text?: string }
  /** To a descriptor, or to one of `sockets`, in parts that end at `cuts`. */
  | ({ readonly call: "pwritev"; readonly fd: number } & InParts)
  | ({ readonly call: "send"; readonly socket: number } & InParts)
  | { readonly call: "seek"; readonly fd: number; readonly offset: bigint }
  | { readonly call: "fcntl"; readonly fd: number; readonly command: number; readonly arg: bigint }
  /** One of `sockets` to an address, in hexadecimal. */
  | { readonly call: "bind"; readonly socket: number; readonly address: string }
  /** The thread is called so. */
  | { readonly call: "rename"; readonly name: string }
  | { readonly call: "exec"; readonly path: string };

/** Without `text`, from memory that cannot be read. */
type InParts = { readonly text?: string; readonly cuts: readonly number[] };

const [none4, none6] = [new Uint8Array(4), new Uint8Array(16)].map((address) => ({
  ...{ address, port: 0 },
}));
const closed = 7;

/** Those that a driver has, with descriptors from 100 on. None of them is ever bound to an address. */
export const sockets: readonly Sock[] = [
  { family: 2, type: 2, protocol: 17, state: closed, source: none4!, destination: none4! },
  { family: 10, type: 2, protocol: 17, state: closed, source: none6!, destination: none6! },
  { family: 2, type: 1, protocol: 6, state: closed, source: none4!, destination: none4! },
  { family: 1, type: 1, protocol: 0, state: closed },
];

/** Of what drivers open the one that is no regular file. */
const folder = "/tmp/forbidden";

/** What one call gave, as to its caller. */
type Made = { readonly result: number; readonly errno: number };

/** Of all processes that make calls of one program's sets: what was reported, and how many they started. */
export type Shared = { reported: Reported; children: number };

type MadeCalls = {
  readonly calls: readonly Call[];
  readonly results: readonly Made[];
  readonly shared: Shared;
  /** What the process that makes them is called at first, and its parent. */
  readonly names: Names;
};
export type Names = { readonly own: string; readonly parent: string };

/** The line for oracle-driver.c. */
export function lineOf(call: Call): string {
  switch (call.call) {
    case "open":
      return `o ${call.path}`;
    case "dup":
      return `d ${call.fd}`;
    case "close":
      return `c ${call.fd}`;
    case "write":
      return call.text === undefined
        ? `w ${call.fd} 4 -`
        : `w ${call.fd} ${call.text.length} ${call.text}`;
    case "own":
      return call.text === undefined
        ? `u ${call.fd} 4 -`
        : `u ${call.fd} ${call.text.length} ${call.text}`;
    case "pwritev":
      return `v ${call.fd} ${cutsOf(call)} ${call.text ?? "-"}`;
    case "send":
      return `m ${100 + call.socket} ${cutsOf(call)} ${call.text ?? "-"}`;
    case "seek":
      return `s ${call.fd} ${call.offset}`;
    case "fcntl":
      return `f ${call.fd} ${call.command} ${call.arg}`;
    case "bind":
      return `b ${100 + call.socket} ${call.address}`;
    case "rename":
      return `n ${call.name}`;
    case "exec":
      return `x ${call.path}`;
  }
}

function cutsOf({ cuts }: InParts): string {
  return cuts.length === 0 ? "-" : cuts.join(",");
}

function partsOf({ text, cuts }: InParts): { readonly parts?: readonly Uint8Array[] } {
  if (text === undefined) return {};
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((at) => Math.min(at, bytes.length)), bytes.length];
  return { parts: ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)) };
}

/**
 * What the sets should do about each of `calls`, made one after the other by a process without
 * files. `results` are what they gave; what they returned, and the pids of the processes that they started, are used.
 */
export function expectedOutcomes(
  sets: readonly NamedSet[],
  process: Process,
  { calls, results, shared, names }: MadeCalls,
): (readonly Outcome[])[] {
  const model = new Model(sets, process, { shared, names });
  return calls.map((call, i) => model.make(call, results[i]!));
}

class Model {
  readonly #sets: readonly NamedSet[];
  readonly #process: Process;
  readonly #holds: ReadonlySet<string>;
  /** Writer: #open, #dup, #close. */
  readonly #descriptors = new Map<number, OpenFile>();
  #follows: FollowState = new Map();
  #windows: Windows = new Map();
  /** Of the driver's thread: what it starts ends before it makes a call of enforcers. */
  #notices: Notices = new Map();
  readonly #shared: Shared;
  /** Writer: #rename. */
  #names: Names;
  #files = 0;
  #children = 0;

  constructor(
    sets: readonly NamedSet[],
    process: Process,
    { shared, names }: Pick<MadeCalls, "shared" | "names">,
  ) {
    this.#shared = shared;
    this.#names = names;
    this.#sets = sets;
    this.#process = process;
    this.#holds = new Set(sets.flatMap(({ name }) => scopeNames(name).slice(0, 2)));
  }

  make(call: Call, { result, errno }: Made): readonly Outcome[] {
    const returned = BigInt(result === -1 ? -errno : result);
    switch (call.call) {
      case "open":
        return this.#install({
          ...{ id: this.#files++, path: call.path },
          ...(call.path === folder && { format: 0o040000 }),
        });
      case "dup": {
        const file = this.#descriptors.get(call.fd);
        return file === undefined ? [] : this.#install(file);
      }
      case "close":
        return this.#close(call.fd);
      case "write":
        return this.#decide("sys_write", returned, written(call));
      case "own":
        return this.#run({ ...this.#call(written(call)), on: ownFunction });
      case "pwritev": {
        const parts = partsOf(call);
        return this.#decide("sys_pwritev", returned, [
          number(BigInt(call.fd)),
          { kind: "iovec", ...parts },
          number(BigInt(parts.parts?.length ?? 1)),
        ]);
      }
      case "send":
        return this.#decide("sock_write_iter", returned, [
          number(0n),
          { kind: "iov_iter", ...partsOf(call) },
        ]);
      case "seek":
        return this.#decide("sys_lseek", returned, [number(BigInt(call.fd)), number(call.offset)]);
      case "fcntl":
        return this.#control(call.fd, [number(BigInt(call.command)), number(call.arg)]);
      case "bind":
        return this.#bind(sockets[call.socket]!, Buffer.from(call.address, "hex"));
      case "rename":
        return this.#rename(call.name);
      case "exec":
        return this.#exec(call.path, result);
    }
  }

  #install(file: OpenFile): readonly Outcome[] {
    let fd = 3;
    while (this.#descriptors.has(fd)) fd++;
    const opened: Parameter = { kind: "file", file: file };
    const outcomes = this.#decide("fd_install", 0n, [number(BigInt(fd)), opened]);
    this.#descriptors.set(fd, file);
    return outcomes;
  }

  #close(fd: number): readonly Outcome[] {
    const outcomes = this.#decide("sys_close", 0n, [number(BigInt(fd))]);
    const file = this.#descriptors.get(fd);
    if (file === undefined || outcomes.some(({ override }) => override !== undefined)) {
      return outcomes;
    }
    this.#descriptors.delete(fd);
    if (![...this.#descriptors.values()].includes(file)) {
      this.#follows = forgetFile(this.#follows, file.id);
    }
    return outcomes;
  }

  /** The kernel asks its security modules only about descriptors that there are. */
  #control(fd: number, rest: readonly Parameter[]): readonly Outcome[] {
    const file = this.#descriptors.get(fd);
    if (file === undefined) return [];
    const call = this.#call([{ kind: "file", file }, ...rest]);
    return this.#run({ ...call, on: { kind: "lsm", hook: "file_fcntl" } });
  }

  #bind(sock: Sock, bytes: Uint8Array): readonly Outcome[] {
    const call = this.#call([
      { kind: "socket", sock },
      { kind: "buffer", bytes },
      number(BigInt(bytes.length)),
    ]);
    return this.#run({ ...call, on: { kind: "lsm", hook: "socket_bind" } });
  }

  /** `number`: the child's pid as its parent sees it. */
  #exec(path: string, number: number): readonly Outcome[] {
    const { pid, ancestors, nspid, nsAncestors, namespaces } = this.#process;
    const { PidForChildren: Pid, TimeForChildren: Time } = namespaces;
    const { binary: parentBinary } = this.#process;
    const forked: Process = {
      ...{ ...this.#process, ...(parentBinary && { parentBinary }) },
      // The pid in the host's namespace is none that a policy names: it was not there before.
      ...{
        pid: 4_000_000 + this.#shared.children++,
        ancestors: [pid, ...ancestors],
        nspid: nspid === 0 ? 0 : number,
      },
      nsAncestors: nspid === 0 ? [] : [nspid, ...nsAncestors],
      namespaces: { ...namespaces, ...(Pid && { Pid }), ...(Time && { Time }) },
    };
    // It is called as its new image is, while it still has the old one.
    const renamed = this.#rename(path.slice(path.lastIndexOf("/") + 1), forked);
    const child = { ...forked, binary: path, isProtected: false };
    const run = { ...this.#call([]), on: { kind: "exec" }, process: child } as const;
    return [...renamed, ...this.#run(run, `child ${this.#children++}`)];
  }

  #rename(name: string, process = this.#process): readonly Outcome[] {
    const call = this.#call([number(0n), { kind: "buffer", bytes: Buffer.from(name) }]);
    const on = { kind: "rawTracepoint", subsystem: "task", event: "task_rename" } as const;
    const who = process === this.#process ? "driver" : `child ${this.#children}`;
    const raw = this.#run({ ...call, on, process }, who);
    const shown = Buffer.from(name.slice(0, 15));
    if (process === this.#process) this.#names = { ...this.#names, own: name.slice(0, 15) };
    const fields: readonly Parameter[] = [
      ...Array.from({ length: 6 }, () => number(0n)),
      ...[{ kind: "buffer", bytes: shown } as const, number(0n)],
    ];
    const record = { ...this.#call(fields), on: { ...on, kind: "tracepoint" }, process } as const;
    return [...raw, ...this.#run(record, who)];
  }

  #decide(call: string, returned: bigint, parameters: readonly Parameter[]): readonly Outcome[] {
    const syscall = call.startsWith("sys_");
    const on = { kind: "kprobe", call, syscall } as const;
    return this.#run({ ...this.#call(parameters), on, returned });
  }

  #call(parameters: readonly Parameter[]): Omit<HookCall, "on"> {
    const descriptors = new Map(this.#descriptors);
    const resolved = new Map<string, Parameter>([
      ["current_task   comm", { kind: "buffer", bytes: Buffer.from(this.#names.own) }],
      [
        "current_task   real_parent.comm",
        { kind: "buffer", bytes: Buffer.from(this.#names.parent) },
      ],
      ["current_task   exit_signal", number(17n)], // SIGCHLD, as of all that fork made
      ["current_task   jobctl", number(0n)],
    ]);
    return { process: this.#process, holds: this.#holds, parameters, descriptors, resolved };
  }

  /** Nobody's windows and periods end within a test. */
  #run(call: HookCall, process = "driver"): readonly Outcome[] {
    const notices = process === "driver" ? this.#notices : new Map();
    const decision = decide(this.#sets, this.#follows, { ...call, notices });
    const { outcomes, follows } = decision;
    this.#follows = follows;
    if (process === "driver") this.#notices = decision.notices;
    const left = aggregated(outcomes, this.#windows, { process, at: 0 });
    this.#windows = left.windows;
    const { pid } = call.process;
    const limited = rateLimited(left.outcomes, this.#shared.reported, {
      ...{ thread: pid, process: pid, entry: "", at: 0, given: call },
      argsOf: ({ set, hook }) => this.#sets.find(({ name }) => name === set)!.set.hooks[hook]!.args,
    });
    this.#shared.reported = limited.reported;
    return limited.outcomes;
  }
}

function written({ fd, text }: { readonly fd: number; readonly text?: string }) {
  const buffer: Parameter =
    text === undefined ? { kind: "buffer" } : { kind: "buffer", bytes: Buffer.from(text) };
  return [number(BigInt(fd)), buffer, number(BigInt(text?.length ?? 4))];
}

function number(value: bigint): Parameter {
  return { kind: "number", value };
}
