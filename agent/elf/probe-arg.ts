/** Where an argument of a probe is, and which number it is: so many bytes, with or without a sign. */
export type ProbeArg = {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isSigned: boolean;
  readonly at:
    | { readonly kind: "constant"; readonly value: bigint }
    | { readonly kind: "register"; readonly register: number }
    /** At what the register holds, and so many bytes behind it, and `scale` times what `index` holds. */
    | {
        readonly kind: "memory";
        readonly register: number;
        readonly offset: bigint;
        readonly index?: { readonly register: number; readonly scale: 1 | 2 | 4 | 8 };
      };
};

/** Where a register is in struct pt_regs of x86-64. */
const registers: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ...["r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8"].entries(),
    ...["ax", "cx", "dx", "si", "di", "orig_ax", "ip", "cs", "flags", "sp"]
      .entries()
      .map(([i, name]) => [i + 10, name] as const),
  ].flatMap(([i, name]) => namesOf(name).map((one) => [one, i * 8])),
);

/** What a compiler calls the whole register, and its lower parts. */
function namesOf(name: string): readonly string[] {
  if (/^r\d/.test(name)) return [name, `${name}d`, `${name}w`, `${name}b`];
  if (/^[abcd]x$/.test(name)) return [`r${name}`, `e${name}`, name, `${name[0]}l`];
  return [`r${name}`, `e${name}`, name, `${name}l`];
}

const whole = /^(-?)([1248])@(.+)$/;
const constant = /^\$(-?(?:0x[0-9a-f]+|\d+))$/i;
const register = /^%(\w+)$/;
const memory = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)(?:,%(\w+)(?:,([1248]))?)?\)$/i;

/** The argument that a compiler for x86-64 wrote so; undefined: in a way that is not known, as those of floats. */
export function parseProbeArg(text: string): ProbeArg | undefined {
  const [, sign, bytes, where = ""] = whole.exec(text) ?? [];
  if (bytes === undefined) return undefined;
  const at = parsePlace(where);
  return at && { bytes: Number(bytes) as ProbeArg["bytes"], isSigned: sign === "-", at };
}

function parsePlace(text: string): ProbeArg["at"] | undefined {
  const [, value] = constant.exec(text) ?? [];
  if (value !== undefined) return { kind: "constant", value: numberIn(value) };
  const [, alone] = register.exec(text) ?? [];
  if (alone !== undefined) {
    const found = numberOf(alone);
    return found === undefined ? undefined : { kind: "register", register: found };
  }
  const [, offset = "0", base, index, scale = "1"] = memory.exec(text) ?? [];
  const start = base === undefined ? undefined : numberOf(base);
  if (start === undefined) return undefined;
  const place = { kind: "memory", register: start, offset: numberIn(offset) } as const;
  if (index === undefined) return place;
  const more = numberOf(index);
  if (more === undefined) return undefined;
  return { ...place, index: { register: more, scale: Number(scale) as 1 | 2 | 4 | 8 } };
}

/** The second byte of a register (`%ah`) is none of these. */
function numberOf(name: string): number | undefined {
  return Object.hasOwn(registers, name) ? registers[name] : undefined;
}

function numberIn(text: string): bigint {
  return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
}
