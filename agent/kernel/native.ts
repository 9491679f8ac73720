import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { FunctionTypes } from "../attach/index.ts";

/** A failed kernel or libbpf call: `op` is what was tried, `subject` on what, `log` the verifier's. */
export type KernelError = Error & {
  readonly code: string;
  readonly op: string;
  readonly subject: string;
  readonly log?: string;
};

export type MapType =
  | "array"
  | "hash"
  | "percpu_array"
  | "lpm_trie"
  | "array_of_maps"
  | "task_storage"
  | "ringbuf";

/** What `bpf_map_create` takes; sizes in bytes, `flags` are BPF_F_*. */
export type MapSpec = {
  readonly type: MapType;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** For array_of_maps: a map of the shape that inner maps have. */
  readonly innerMapFd?: number;
};

export type MapInfo = {
  readonly id: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
};

/** Calls that the kernel kept from a program, by who counted them. */
export type Misses = {
  /** It, or another where the kernel runs one of them at a time, was active on that processor. */
  readonly program: number;
  /** A kprobe was hit inside of another. 0 where the kernel does not say (before Linux 6.7). */
  readonly link: number;
};

/**
 * One attached program. Closing leaves it attached where it is pinned, and detaches it otherwise; so
 * does losing the last reference to it, at a time of the garbage collector's choice.
 */
export type Link = {
  readonly id: number;
  /** Calls that its program, pinned at that path, did not see since it was loaded. Throws KernelError. */
  misses(program: string): Misses;
  /** At one place only; there again, whatever has come into its place. */
  pin(path: string): void;
  /**
   * Removes its pin if it has one, and detaches. Idempotent. After a pin the kernel takes an RCU
   * grace period (milliseconds) until the program runs no more.
   */
  detach(): void;
  close(): void;
};

/**
 * One BPF object file: open, specialise, load, attach. `close()` is idempotent; links and descriptors
 * that came from it live on.
 */
export type BpfObject = {
  /** Sets a `const volatile` or other global by name; the size must fit exactly. */
  setGlobal(name: string, value: Uint8Array): void;
  /** Uses an existing map in place of the object's own. */
  reuseMap(name: string, fd: number): void;
  /** Before load. Only what is given changes. `innerMapFd` gives a map-in-map its inner shape. */
  resizeMap(
    name: string,
    size: { maxEntries?: number; keySize?: number; valueSize?: number; innerMapFd?: number },
  ): void;
  /** fentry, fexit, fmod_ret, lsm: which kernel function. */
  setAttachTarget(program: string, functionName: string): void;
  /**
   * Once: after a failure, open the object again. Throws KernelError with `log`, the last 16 kB of
   * the verifier's output and libbpf's own.
   */
  load(): void;
  /**
   * Loads it as `load` does. What the verifier says it went through (`processed 812 insns (limit
   * 1000000) ... total_states 60 ...`), by the names of programs.
   */
  loadWithStats(): Readonly<Record<string, string>>;
  /** In place of what is there. */
  pinProgram(program: string, path: string): void;
  /** A file descriptor of its own, to be closed with `closeFd`. */
  mapFd(name: string): number;
  /** By the program's section: tp_btf, fentry, fexit, fmod_ret, lsm, iter... Not perf events. */
  attach(program: string): Link;
  /** For SEC("kprobe") and SEC("kretprobe"). See `kprobeRefusal`. */
  attachKprobe(program: string, functionName: string, options: { readonly ret: boolean }): Link;
  /**
   * For SEC("kprobe.multi"), before each of the functions: their numbers are the cookies. Needs
   * Linux 5.18 with fprobe.
   */
  attachKprobeMulti(
    program: string,
    functions: readonly { readonly symbol: string; readonly number: number }[],
  ): Link;
  /** For SEC("raw_tp"). */
  attachRawTracepoint(program: string, event: string): Link;
  /** For SEC("tracepoint"): of the event with that number in its format file. See `perfEventRefusal`. */
  attachTracepoint(program: string, id: number): Link;
  /** Runs a SEC("syscall") program now; the result is what it returns. */
  run(program: string, context: Uint8Array): number;
  close(): void;
};

/** Reads ring buffers on a thread of its own. Until it is closed it keeps the process running. */
export type RingReader = {
  /**
   * The next records, once there are any: many whole ones in one buffer, each padded to a multiple
   * of 8 and starting with struct event_header, whose `size` leads to the next. The buffer belongs
   * to the receiver and has about 128 KiB at most. One read at a time; 8 MiB wait for the next, then
   * the rings fill, and the kernel counts what is lost. Undefined after `close`, and after `end` when
   * all was read.
   */
  read(): Promise<Buffer | undefined>;
  /** What is in the rings now is the last that `read` gives. */
  end(): void;
  /** Stops the thread. What is still in the rings stays there for their next reader. */
  close(): Promise<void>;
};

/** Instructions of a file, by their offsets in it. */
export type UprobeTarget = {
  readonly path: string;
  /** `refCtrOffset`: where in the file is counted who listens. */
  readonly places: readonly {
    readonly offset: number;
    readonly refCtrOffset?: number;
    readonly cookie?: number;
  }[];
};

/** What a slot of a map of maps is to have: a map, or none. */
export type SlotOf = { readonly map: number; readonly slot: number; readonly inner?: number };

export type Native = {
  openObject(path: string): BpfObject;
  createMap(spec: MapSpec): number;
  mapInfo(fd: number): MapInfo;
  /** Pins any BPF map fd; the folder must exist on a bpffs. */
  pinMap(fd: number, path: string): void;
  openPinnedMap(path: string): number;
  /** A link pinned earlier, also by an agent that is gone. */
  openPinnedLink(path: string): Link;
  openPinnedProgram(path: string): number;
  programId(fd: number): number;
  pinProgram(fd: number, path: string): void;
  /**
   * Fills `value` and says whether the key was there. Here and below, buffers must have the map's
   * sizes exactly; per-CPU values are padded to 8 bytes each, one for each possible CPU; the key of
   * task storage is a pidfd.
   */
  lookup(fd: number, key: Uint8Array, value: Uint8Array): boolean;
  /**
   * What each of `keys` (one after the other) has, looked up on a thread of its own: `found` has a
   * byte for each, `values` those of the keys that are not there as zeros. Not of per-CPU maps.
   */
  lookupMany(fd: number, keys: Uint8Array): Promise<{ found: Uint8Array; values: Uint8Array }>;
  /** flags: 0 any, 1 only when absent, 2 only when present. */
  update(fd: number, key: Uint8Array, value: Uint8Array, flags?: number): void;
  /** keys and values one after the other; uses BPF_MAP_UPDATE_BATCH, else single updates. */
  updateBatch(fd: number, keys: Uint8Array, values: Uint8Array, count: number): void;
  /** Whether the key was there. */
  remove(fd: number, key: Uint8Array): boolean;
  /**
   * Changes maps of maps, all of them in the time of one: the kernel answers each after an RCU grace
   * period. Which were done; the others may be tried again by `update` and `remove`, which say why not.
   */
  changeSlots(changes: readonly SlotOf[]): readonly boolean[];
  /** All keys, one after the other. */
  keys(fd: number): Uint8Array;
  /** From now on no system call changes the map, whoever makes it. */
  freeze(fd: number): void;
  closeFd(fd: number): void;
  pidfdOpen(pid: number): number;
  possibleCpus(): number;
  /**
   * The types of a function in the kernel's BTF, behind typedefs, or null when it has none of that
   * name.
   */
  btfFunction(name: string): FunctionTypes | null;
  /** The types of a tracepoint's parameters in the kernel's BTF, or null when it has none of that name. */
  btfTracepoint(event: string): readonly string[] | null;
  /**
   * Whether this kernel takes 32-bit system calls (int 0x80) of any process, by making one in a child
   * process. Null when it cannot be told, as below a seccomp filter; false where there is no int 0x80.
   */
  takesInt80(): boolean | null;
  /**
   * The code of the error with which this kernel refuses kprobes, whatever the function; null: it takes
   * them. Without CONFIG_FPROBE (Linux 5.18) they take a perf event, which the sysctl
   * kernel.perf_event_paranoid of some distributions keeps from whoever lacks CAP_SYS_ADMIN.
   */
  kprobeRefusal(): string | null;
  /**
   * The code of the error with which this kernel refuses programs on a trampoline before a function,
   * as the smallest is refused that reads a parameter; null: it takes them. `fmod_ret`: such as may
   * keep it from running.
   */
  trampolineRefusal(type: "fentry" | "fmod_ret", functionName: string): string | null;
  /** The code of the error with which it refuses perf events at tracepoints; null: it takes them. */
  perfEventRefusal(): string | null;
  /**
   * Attaches a program that is pinned there, of SEC("uprobe"), to instructions in a file. Several
   * need `takesManyUprobes`. Throws KernelError.
   */
  attachUprobe(program: string, target: UprobeTarget): Link;
  /** Whether one link can be to several instructions (Linux 6.6). */
  takesManyUprobes(): boolean;
  /** The code of the error with which this kernel refuses uprobes; null: it takes them. */
  uprobeRefusal(): string | null;
  /** The same of programs of uprobes that write registers. */
  uprobeOverrideRefusal(): string | null;
  /** Opens a regular file to read, with `root` as the root folder also for links. Throws KernelError. */
  openInRoot(root: string, path: string): number;
  /**
   * Maps of ring buffers. A record of `second` comes after all that were in `first` when it was
   * read; those of one batch are in the order of their time.
   */
  openRings(first: number, second?: number): RingReader;
};

const require = createRequire(import.meta.url);

/** The addon, loaded on first use. Throws when it was not built (`make build`). */
export function loadNative(): Native {
  return require(fileURLToPath(new URL("./build/guardbee.node", import.meta.url))) as Native;
}
