import type { StackAddresses } from "../records/stacks.ts";
import { KernelSymbols } from "./kernel-symbols.ts";
import { type Mapping, mappingsOf } from "./mappings.ts";
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
  readonly #user: UserSymbols;
  #gone = 0;

  constructor(options: StacksOptions) {
    const { procfs, monotonic } = options;
    this.#options = options;
    this.#kernel = new KernelSymbols(procfs, monotonic);
    this.#user = new UserSymbols(procfs, monotonic);
  }

  /** How many stacks of processes were left out, which were gone before they could be looked at. */
  get gone(): number {
    return this.#gone;
  }

  /** What has no name is left out, as upstream does; of a process, what is in no file. */
  of({ kernel, user }: StackAddresses): Stacks {
    const ofKernel = kernel === undefined ? [] : this.#ofKernel(kernel.addresses);
    const ofUser = user === undefined ? [] : this.#ofProcess(user.pid, user.addresses);
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

  #ofProcess(pid: number, addresses: readonly bigint[]): readonly StackEntry[] {
    const mappings = mappingsOf(this.#options.procfs, pid);
    if (mappings === undefined) {
      this.#gone++;
      return [];
    }
    return addresses.flatMap((address): readonly StackEntry[] => {
      const mapping = mappings.find(({ start, end }) => address >= start && address < end);
      return mapping === undefined ? [] : [this.#inFile(pid, mapping, address)];
    });
  }

  #inFile(pid: number, mapping: Mapping, address: bigint): StackEntry {
    const offset = address - mapping.start + mapping.offset;
    const symbol = this.#user.at(pid, mapping, Number(offset)) ?? "";
    return { ...this.#shown(address), offset, symbol, module: mapping.path };
  }

  #shown(address: bigint): Pick<StackEntry, "address"> {
    return this.#options.withAddresses ? { address } : {};
  }
}

const ofPrograms: ReadonlySet<string> = new Set(["bpf_loop"]);
