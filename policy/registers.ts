/** A register, or a lower part of it, as it was when a call was made. */
export type Register = {
  /** Of struct pt_regs: its member, or the number of one of `regs`. */
  readonly place: string | number;
  readonly bytes: 1 | 2 | 4 | 8;
};

type Registers = Readonly<Record<string, Register>>;

const x64: Registers = Object.fromEntries([
  ...["ax", "bx", "cx", "dx"].flatMap((place) => [
    ...parts(place, [`r${place}`, `e${place}`, place, `${place[0]}l`]),
  ]),
  ...["si", "di", "bp", "sp"].flatMap((place) => [
    ...parts(place, [`r${place}`, `e${place}`, place, `${place}l`]),
  ]),
  ...[8, 9, 10, 11, 12, 13, 14, 15]
    .map((number) => `r${number}`)
    .flatMap((place) => parts(place, [place, `${place}d`, `${place}w`, `${place}b`])),
  ...parts("ip", ["rip", "eip", "ip"]),
  ...parts("flags", ["eflags"]),
  ...parts("orig_ax", ["orig_rax"]),
]);

const arm64: Registers = Object.fromEntries([
  ...Array.from({ length: 31 }, (_, number): readonly (readonly [string, Register])[] => [
    [`x${number}`, { place: number, bytes: 8 }],
    [`w${number}`, { place: number, bytes: 4 }],
  ]).flat(),
  ...["sp", "pc", "pstate"].map((place) => [place, { place, bytes: 8 }] as const),
]);

/** By the names of machines that Node.js has. */
const byMachine: Readonly<Record<string, Registers>> = { x64, arm64 };

/** The names that compilers have for a register, the whole of it first. */
function parts(place: string, names: readonly string[]): readonly (readonly [string, Register])[] {
  const sizes = [8, 4, 2, 1] as const;
  return names.map((name, i) => [name, { place, bytes: sizes[i]! }]);
}

/** The register that machines of that kind call so; undefined: they have none. */
export function registerNamed(name: string, machine: string): Register | undefined {
  const registers = byMachine[machine] ?? {};
  return Object.hasOwn(registers, name) ? registers[name] : undefined;
}

/** Whether some machine has a register of that name. */
export function isRegister(name: string): boolean {
  return Object.keys(byMachine).some((machine) => registerNamed(name, machine) !== undefined);
}
