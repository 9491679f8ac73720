/** Test support: BPF programs (RFC 9669), as far as those of specialise.test.ts go. */

export type Instruction = {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
};
/** `at`: its first instruction; `id`: what it is called, wherever it is. */
export type PlacedFunction = { readonly at: number; readonly id: number };
export type Subject = {
  readonly insns: readonly Instruction[];
  readonly functions: readonly PlacedFunction[];
};

export const insn = (code: number, fields: Partial<Instruction> = {}): Instruction => ({
  ...{ code, dst: 0, src: 0, off: 0, imm: 0 },
  ...fields,
});
export const exit = insn(0x95);

export function wideInsn(fields: Partial<Instruction>, high: number): Instruction[] {
  return [insn(wide, fields), insn(0, { imm: high })];
}

export const pseudo = { call: 1, mapValue: 2, function: 4 } as const;
export const wide = 0x18;
/** The map that the constants are in, and another one. */
export const constantMap = 7;
export const otherMap = 8;
const regions = { constants: 0x1_0000_0000n, other: 0x2_0000_0000n, functions: 0x3_0000_0000n };
const stack = 0x4_0000_0000n;
const stackSize = 4096n;
const stepsMax = 3000;
const depthMax = 4;

/** What is seen of a run from outside: what helpers are called with, what is written beside the stack, what comes out. */
export type Trace = string[];

class TooLong extends Error {}

export function run(subject: Subject, constants: Uint8Array): Trace {
  const trace: Trace = [];
  try {
    trace.push(`returned ${new Run(subject, constants, trace).call(0, [1n, 2n, 3n, 4n, 5n], 0)}`);
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
    trace.push("too long");
  }
  return trace;
}

class Run {
  readonly #subject: Subject;
  readonly #constants: Uint8Array;
  readonly #trace: Trace;
  readonly #memory = new Map<bigint, bigint>();
  #steps = 0;

  constructor(subject: Subject, constants: Uint8Array, trace: Trace) {
    this.#subject = subject;
    this.#constants = constants;
    this.#trace = trace;
  }

  call(start: number, args: readonly bigint[], depth: number): bigint {
    if (depth > depthMax) throw new TooLong();
    // What no program that the verifier takes reads: the same in each.
    const registers = [90n, ...args, 96n, 97n, 98n, 99n, stack + BigInt(depth) * 512n + 512n];
    let at = start;
    for (;;) {
      if (++this.#steps > stepsMax) throw new TooLong();
      const insn = this.#insn(at);
      const next = this.#step(at, insn, registers, depth);
      if (next === undefined) return registers[0] ?? 0n;
      at = next;
    }
  }

  #insn(at: number): Instruction {
    const insn = this.#subject.insns[at];
    if (!insn) throw new Error(`comes to ${at} of ${this.#subject.insns.length}`);
    return insn;
  }

  /** Where it goes on; undefined: nowhere. */
  #step(at: number, insn: Instruction, registers: bigint[], depth: number): number | undefined {
    const group = insn.code & 7;
    const dst = registers[insn.dst] ?? 0n;
    const src = registers[insn.src] ?? 0n;
    if (insn.code === wide) {
      registers[insn.dst] = this.#immediate(at, insn);
      return at + 2;
    }
    if (group === 4 || group === 7) registers[insn.dst] = calculate(insn, dst, src);
    else if (group === 1) registers[insn.dst] = this.#load(src + BigInt(insn.off), sizeOf(insn));
    else if (group === 2) this.#store(dst + BigInt(insn.off), BigInt(insn.imm), sizeOf(insn));
    else if (group === 3 && (insn.code & 0xe0) === 0xc0) this.#atomic(insn, registers);
    else if (group === 3) this.#store(dst + BigInt(insn.off), src, sizeOf(insn));
    else if (insn.code === 0x95) return undefined;
    else if (insn.code === 0x85) this.#called(at, insn, registers, depth);
    else if (insn.code === 0x05 || isMade(insn, dst, src)) return at + 1 + insn.off;
    return at + 1;
  }

  #immediate(at: number, { src, imm }: Instruction): bigint {
    const high = BigInt(this.#insn(at + 1).imm >>> 0);
    if (src === pseudo.function) return regions.functions + BigInt(this.#functionAt(at + 1 + imm));
    if (src !== pseudo.mapValue) return (high << 32n) | BigInt(imm >>> 0);
    return (imm === constantMap ? regions.constants : regions.other) + high;
  }

  #functionAt(at: number): number {
    const found = this.#subject.functions.find((one) => one.at === at);
    if (!found) throw new Error(`no function begins at ${at}`);
    return found.id;
  }

  #called(at: number, insn: Instruction, registers: bigint[], depth: number): void {
    const args = registers.slice(1, 6);
    if (insn.src === pseudo.call) {
      const target = at + 1 + insn.imm;
      this.#trace.push(`calls ${this.#functionAt(target)}`);
      registers[0] = this.call(target, args, depth + 1);
    } else {
      this.#trace.push(`helper ${insn.imm} ${args.join(" ")}`);
      this.#useStack(args[0] ?? 0n);
      const callback = this.#subject.functions.find(
        ({ id }) => regions.functions + BigInt(id) === args[1],
      );
      if (callback) this.call(callback.at, [0n, 1n, 2n, 3n, 4n], depth + 1);
      registers[0] = hash(BigInt(this.#trace.length));
    }
    registers.splice(1, 5, 81n, 82n, 83n, 84n, 85n);
  }

  /** A helper reads and writes what it has a pointer to. */
  #useStack(place: bigint): void {
    if (place < stack || place >= stack + stackSize) return;
    const value = this.#load(place, 8);
    this.#trace.push(`reads ${value} at ${place}`);
    this.#store(place, value * 3n + 1n, 8);
  }

  #atomic(insn: Instruction, registers: bigint[]): void {
    const place = (registers[insn.dst] ?? 0n) + BigInt(insn.off);
    const before = this.#load(place, 8);
    const src = registers[insn.src] ?? 0n;
    if (insn.imm === 0xf1) {
      if (before === registers[0]) this.#store(place, src, 8);
      registers[0] = before;
    } else {
      this.#store(place, insn.imm === 0xe1 ? src : before + src, 8);
      if (insn.imm & 1) registers[insn.src] = before;
    }
  }

  #load(place: bigint, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | this.#byte(place + BigInt(i));
    return value;
  }

  #byte(place: bigint): bigint {
    const constant = this.#constants[Number(place - regions.constants)];
    if (constant !== undefined) return BigInt(constant);
    return this.#memory.get(place) ?? hash(place) & 0xffn;
  }

  #store(place: bigint, value: bigint, size: number): void {
    const seen = `stores ${BigInt.asUintN(size * 8, value)} of ${size} at ${place}`;
    if (place < stack || place >= stack + stackSize) this.#trace.push(seen);
    for (let i = 0; i < size; i++) {
      this.#memory.set(place + BigInt(i), (value >> BigInt(8 * i)) & 0xffn);
    }
  }
}

function sizeOf({ code }: Instruction): number {
  return [4, 2, 1, 8][(code & 0x18) >> 3] ?? 0;
}

function hash(value: bigint): bigint {
  return BigInt.asUintN(64, (value + 1n) * 0x9e3779b97f4a7c15n) >> 7n;
}

function operand({ code, imm }: Instruction, src: bigint): bigint {
  return BigInt.asUintN(64, code & 8 ? src : BigInt(imm));
}

function calculate(insn: Instruction, dst: bigint, src: bigint): bigint {
  const bits = (insn.code & 7) === 7 ? 64 : 32;
  const left = BigInt.asUintN(bits, dst);
  const right = BigInt.asUintN(bits, operand(insn, src));
  const shift = right & BigInt(bits - 1);
  const operations: Readonly<Record<number, () => bigint>> = {
    0: () => left + right,
    16: () => left - right,
    32: () => left * right,
    48: () => (right ? left / right : 0n),
    64: () => left | right,
    80: () => left & right,
    96: () => left << shift,
    112: () => left >> shift,
    128: () => -left,
    144: () => (right ? left % right : left),
    160: () => left ^ right,
    176: () => right,
    192: () => BigInt.asIntN(bits, left) >> shift,
  };
  const operation = operations[insn.code & 0xf0];
  if (!operation) throw new Error(`no operation ${insn.code}`);
  return BigInt.asUintN(bits, operation());
}

function isMade(insn: Instruction, dst: bigint, src: bigint): boolean {
  const bits = (insn.code & 7) === 5 ? 64 : 32;
  const left = BigInt.asUintN(bits, dst);
  const right = BigInt.asUintN(bits, operand(insn, src));
  const signed = { left: BigInt.asIntN(bits, left), right: BigInt.asIntN(bits, right) };
  const conditions: Readonly<Record<number, boolean>> = {
    16: left === right,
    32: left > right,
    48: left >= right,
    64: (left & right) !== 0n,
    80: left !== right,
    96: signed.left > signed.right,
    112: signed.left >= signed.right,
    160: left < right,
    176: left <= right,
    192: signed.left < signed.right,
    208: signed.left <= signed.right,
  };
  return conditions[insn.code & 0xf0] ?? false;
}
