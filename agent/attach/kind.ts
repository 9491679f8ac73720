import type { Arg, Hook, Request } from "@guardbee/policy";
import type { FilePlace } from "@guardbee/policy/sets";
import type { FoundPath } from "../btf/find-path.ts";
import type { Refusal } from "../engine.ts";
import type { EventFormat } from "./event-format.ts";

/** A way to attach a program. Its BPF object has one program, `hook`. */
export type AttachKind = {
  readonly name: string;
  /** File name of the BPF object. */
  readonly object: string;
  readonly sees: Sees;
  /** Maps of the object's own that its links need, beside those that every program has. */
  readonly maps?: readonly string[];
  /** What it asks of a kernel before anything is attached, by the name that the node's status has. */
  readonly features: Readonly<Record<string, (kernel: KernelProbe) => Answer>>;
  /** Where it serves `hook`, or why this kernel or this kind cannot; undefined: other kinds do that. */
  serve(hook: Hook, need: Need, can: AttachAbilities): Target | Refusal | undefined;
  /** Of a program whose parameters the verifier knows the types of: those; undefined: it does not. */
  parameters?(place: Place, can: AttachAbilities): FunctionTypes["parameters"] | undefined;
  /** Before the object is loaded. */
  bind(object: Attachable<unknown>, place: Place): void;
  /** Absent: it is attached in files, as `Place.file` says. */
  attach?<Link>(object: Attachable<Link>, place: Place): Link;
};

/**
 * Which part of a call a program sees: `entry`, what it hands over; `exit`, that and what it returned;
 * `return`, what it returned and the events that the program at its entry has left waiting.
 */
export type Sees = "entry" | "exit" | "return";

/** What a hook needs in its set's mode. */
export type Need = {
  /** Some action stops the call or its process before the call runs. */
  readonly stops: boolean;
  /** Some action changes what the call returns. */
  readonly overrides: boolean;
  /** The set holds on the node, and not in pods alone. */
  readonly onNode: boolean;
  /** Some event has the hash of the file that the hook is asked about. */
  readonly hashes: boolean;
  /** Some selector asks for the digest of what is executed. */
  readonly digests: boolean;
  /** A call that goes unseen is one that the set does not stop: its own action, or a later one's. */
  readonly everyCall: boolean;
  /** The entry of the hook's system call that is to be served; absent: the kernel's own. */
  readonly entry?: Entry;
  /** Of a hook on many functions, those that are to be served. */
  readonly group?: FunctionGroup;
};

/** Functions whose calls one program can see: their parameters are in the same registers. */
export type FunctionGroup = {
  readonly registers: Registers | false;
  /** `number`: what events have to tell it by. */
  readonly functions: readonly { readonly symbol: string; readonly number: number }[];
};

/** A function that a system call is entered by, beside the kernel's own. */
export type Entry = {
  readonly symbol: string;
  /** What its events have to tell it by, never 0. */
  readonly number: number;
  readonly registers: Registers;
};

/** Where a system call's parameters are: in the kernel's own registers, or in those of 32-bit processes. */
export type Registers = "own" | "32-bit";

/** Where a program is attached. */
export type Place = {
  /** Hooks with the same site share a program: `entry fd_install`. */
  readonly site: string;
  /** Kernel function or tracepoint. */
  readonly symbol: string;
  /** Parameters are those of a system call, behind a pointer to these registers. */
  readonly syscall: Registers | false;
  /** Of a system call's further entry: its number. */
  readonly entry?: number;
  /** Present: the program is attached to all of these, and `symbol` is a name for them. */
  readonly functions?: FunctionGroup["functions"];
  /** Present: what the program is attached to is a program's function, and there. */
  readonly file?: FilePlace;
  /** Of a tracepoint: where its record has what. */
  readonly format?: EventFormat;
};

/** Where the program of a hook is attached, and how the hook's events tell of it. */
export type Target = Place & { readonly reported: Reported };

/** How events say what was called: upstream's kind of event, and its name for the function. */
export type Reported = {
  readonly event: string;
  readonly functionName: string;
  /** Of a kind of event that says it in fields of its own: these, in place of the function's name. */
  readonly names?: Readonly<Record<string, string | number>>;
  /** Present: they tell of an exec, and come before the kernel tells of the exec itself. */
  readonly beforeExec?: true;
};

/** Whether a kernel has a feature; a text is the code of an error that says nothing about that. */
export type Answer = boolean | string;

/** What this kernel can attach to, answered without loading anything. */
export type AttachAbilities = {
  /** Prefix of system call functions: `__x64_`. */
  readonly syscallPrefix: string;
  /** By the names that the attach kinds have for them. */
  readonly features: Readonly<Record<string, Answer>>;
  /**
   * A task may lose its processor inside of a program. Meanwhile the kernel skips that program on that
   * processor, if it is on a trampoline and no LSM program.
   */
  readonly preempts: boolean;
  /** The same in programs at tracepoints, which the kernel then skips, too. */
  readonly preemptsTracepoints: boolean;
  /**
   * Any process may make BPF maps, and lose its processor inside of a call on one. Meanwhile the kernel
   * skips kprobes there.
   */
  readonly unprivilegedBpf: boolean;
  /**
   * A task may lose its processor inside of a look-up in task storage. Meanwhile the kernel tells all
   * programs on that processor that nothing is there: who calls is not known.
   */
  readonly hidesProcesses: boolean;
  /** The security modules that are active, in their order: `capability`, `bpf`. */
  readonly securityModules: readonly string[];
  hasFunction(symbol: string): boolean;
  /** Why this agent does not ask that of others; undefined: it does. */
  whyNoRequest(request: Request): string | undefined;
  /** The entries of a hook's system call beside the kernel's own that processes can use. */
  entriesOf(hook: Hook): readonly Entry[];
  /** The functions of a generated list, or without a pattern, of every system call; undefined: nobody can tell. */
  functionsOf(
    pattern: string | undefined,
    args: readonly Arg[],
  ): readonly FunctionGroup[] | undefined;
  /**
   * Why nothing can be attached to that place in a file of this node, or `args` not be read there, or
   * `written` not be written; undefined: it can.
   */
  whyNotInFile(
    place: FilePlace,
    args: readonly Arg[],
    written?: readonly Arg[],
  ): Refusal | undefined;
  /** What nobody may do here, root neither, in the kernel's word; `none`: nothing. */
  readonly lockdown: string;
  /** What the kernel says of a tracepoint's record; undefined: it has none of that name, or does not say. */
  eventFormat(subsystem: string, event: string): EventFormat | undefined;
  /** The types of a tracepoint's own parameters; undefined where the kernel has none of that name. */
  typesOfTracepoint(event: string): readonly string[] | undefined;
  /**
   * Where a path leads from a struct, of the kernel's or of a module's; a text: why it leads nowhere here.
   */
  findPath(struct: string, path: string, module?: string): FoundPath | string;
  /** The same of a register of this machine, as it was when a call was made. */
  findRegister(name: string): FoundPath | string;
  /** The types of a function; undefined where the kernel has none of that name, or does not say. */
  typesOf(symbol: string): FunctionTypes | undefined;
};

/** As C has them, without const: `struct file *`. */
export type FunctionTypes = { readonly parameters: readonly string[]; readonly returns: string };

/** What an attach kind may ask of a kernel. */
export type KernelProbe = {
  readonly syscallPrefix: string;
  /** Whether programs on a trampoline of that type can be before a function. */
  takesTrampoline(type: "fentry" | "fmod_ret", symbol: string): Answer;
  /** Whether uprobes can be attached; `writing`: such as write registers. */
  takesUprobes(as?: "writing"): Answer;
  /** Whether kprobes can be attached. */
  takesKprobes(): Answer;
  /** Whether this agent may have perf events of the kernel. */
  takesPerfEvents(): Answer;
  hasFunction(symbol: string): boolean;
};

/** An opened BPF object, as far as attaching needs it (kernel/native.ts). */
export type Attachable<Link> = {
  setAttachTarget(program: string, functionName: string): void;
  attach(program: string): Link;
  attachKprobe(program: string, functionName: string, options: { readonly ret: boolean }): Link;
  attachKprobeMulti(program: string, functions: FunctionGroup["functions"]): Link;
  attachRawTracepoint(program: string, event: string): Link;
  attachTracepoint(program: string, id: number): Link;
};

/** The kernel was too busy to say whether it has what `symbol` needs. */
export function notYetKnown(symbol: string, code: string): Refusal {
  return {
    reason: "LoadFailed",
    message: `${symbol}: this kernel could not say whether it can attach here (${code}); it is asked again`,
    mayPass: true,
  };
}
