import type { ProcessKey } from "../records/kernel-record.ts";
import type { StackAddresses } from "../records/stacks.ts";
import { KernelSymbols } from "./kernel-symbols.ts";
import { MappedFiles, mappingAt, type ProcessImage } from "./mapped-files.ts";
import type { Mapping } from "./mappings.ts";
import { busy, TimeShare } from "./time-share.ts";
import { UserSymbols } from "./user-symbols.ts";

/** A function that a call came through; texts are empty where they are not known. */
export type StackEntry = {
  /** Present where whoever runs the agent has asked for it: it tells where the kernel is. */
  readonly address?: bigint;
  /** Of the kernel in `symbol`, of a process in `module`. */
  readonly offset: bigint;
  readonly symbol: string;
  /** The file that it is in, as its process sees it. */
  readonly module: string;
};

/** The innermost first; absent: nobody has asked, or nothing of it could be told. */
export type Stacks = {
  readonly kernel?: readonly StackEntry[];
  readonly user?: readonly StackEntry[];
};

/**
 * `gone`: the process had ended before it could be looked at. `busy`: looking at processes has had its
 * share of the time. `long`: more is mapped than is looked at, and some of the stack is there.
 */
export type MissedStacks = Readonly<Record<"gone" | "busy" | "long", number>>;

export type StacksOptions = {
  /** The host's procfs. */
  readonly procfs: string;
  readonly monotonic: () => number;
  /** Whether entries have addresses. */
  readonly withAddresses: boolean;
};

/** Names what the addresses of stacks are of. */
export class StackNames {
  readonly #options: StacksOptions;
  readonly #kernel: KernelSymbols;
  readonly #mapped: MappedFiles;
  readonly #user: UserSymbols;
  readonly #missed = { gone: 0, busy: 0, long: 0 };

  constructor(options: StacksOptions) {
    const { procfs, monotonic } = options;
    this.#options = options;
    this.#kernel = new KernelSymbols(procfs, monotonic);
    const share = new TimeShare(monotonic);
    this.#mapped = new MappedFiles(procfs, monotonic, share);
    this.#user = new UserSymbols(procfs, monotonic, share);
  }

  /** How many stacks of processes were left out or have no names, and why. */
  get missed(): MissedStacks {
    return { ...this.#missed };
  }

  /**
   * What has no name is left out, as upstream does; of a process, what is in no file. The event may be
   * about another process than the one that called.
   */
  of({ kernel, user }: StackAddresses, { pid, ktime }: ProcessKey): Stacks {
    const ofKernel = kernel === undefined ? [] : this.#ofKernel(kernel.addresses);
    const image = { pid: user?.pid ?? 0, ktime: user?.pid === pid ? ktime : undefined };
    const ofUser = user === undefined ? [] : this.#ofProcess(image, user.addresses);
    return {
      ...(ofKernel.length === 0 ? {} : { kernel: ofKernel }),
      ...(ofUser.length === 0 ? {} : { user: ofUser }),
    };
  }

  #ofKernel(addresses: readonly bigint[]): readonly StackEntry[] {
    const entries = addresses.flatMap((address): readonly StackEntry[] => {
      const found = this.#kernel.at(address);
      return found === undefined ? [] : [{ ...this.#shown(address), ...found, module: "" }];
    });
    // A program on a trampoline, which the call came through last, is run by these.
    const first = entries.findIndex(({ symbol }) => !ofPrograms.has(symbol));
    return first === -1 ? [] : entries.slice(first);
  }

  #ofProcess(image: ProcessImage, addresses: readonly bigint[]): readonly StackEntry[] {
    const mappings = this.#mapped.of(image, addresses);
    if (mappings === undefined || mappings === busy) {
      this.#missed[mappings === undefined ? "gone" : "busy"]++;
      return [];
    }
    let isBusy = false;
    let isLong = false;
    const entries = addresses.flatMap((address): readonly StackEntry[] => {
      const mapping = mappingAt(mappings, address);
      isLong ||= mapping === undefined && !mappings.isWhole;
      if (mapping === undefined) return [];
      const offset = address - mapping.start + mapping.offset;
      const symbol = this.#user.at(image.pid, mapping, Number(offset)) ?? "";
      isBusy ||= symbol === busy;
      return [this.#inFile(mapping, address, symbol === busy ? "" : symbol)];
    });
    if (isBusy) this.#missed.busy++;
    if (isLong) this.#missed.long++;
    return entries;
  }

  #inFile({ start, offset, path }: Mapping, address: bigint, symbol: string): StackEntry {
    return { ...this.#shown(address), offset: address - start + offset, symbol, module: path };
  }

  #shown(address: bigint): Pick<StackEntry, "address"> {
    return this.#options.withAddresses ? { address } : {};
  }
}

const ofPrograms: ReadonlySet<string> = new Set(["bpf_loop"]);
