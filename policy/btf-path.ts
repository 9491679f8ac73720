/** A step from one thing in the kernel's memory to another: to a member of it, or to one of several. */
export type PathStep =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "element"; readonly number: number };

/** The longest path, in bytes: of members that kernels have, some twenty. */
export const maxBtfPathBytes = 512;
/** Offsets have 32 bits, and elements more than one byte, mostly. */
const maxElement = 65_535;

const name = /^[A-Za-z_][A-Za-z0-9_]*/;
const element = /^\[([0-9]{1,5})\]/;

/**
 * The steps of a path of members as `resolve` has it (`mm.owner.comm`, `fdt.fd[0].f_path`), or what is
 * wrong with it. Whether there are such members, the types of each kernel say.
 */
export function parseBtfPath(path: string): readonly PathStep[] | string {
  if (path === "") return "is empty";
  if (Buffer.byteLength(path) > maxBtfPathBytes) {
    return `has ${Buffer.byteLength(path)} bytes, more than ${maxBtfPathBytes}`;
  }
  const steps: PathStep[] = [];
  let rest = path;
  let mayBeElement = true; // not behind a dot
  for (;;) {
    const number = mayBeElement ? element.exec(rest) : null;
    const member =
      number === null && (steps.length === 0 || !mayBeElement) ? name.exec(rest) : null;
    const [found] = number ?? member ?? [];
    if (found === undefined) return `has ${whatIsWrong(rest, mayBeElement)}`;
    if (number !== null && Number(number[1]) > maxElement) {
      return `has element ${number[1]}, beyond ${maxElement}`;
    }
    steps.push(
      number === null
        ? { kind: "member", name: found }
        : { kind: "element", number: Number(number[1]) },
    );
    rest = rest.slice(found.length);
    if (rest === "") return steps;
    mayBeElement = !rest.startsWith(".");
    if (!mayBeElement) rest = rest.slice(1);
  }
}

function whatIsWrong(rest: string, mayBeElement: boolean): string {
  if (rest === "") return "a dot at its end";
  if (rest.startsWith("[")) {
    return mayBeElement ? "brackets without a number" : "brackets behind a dot";
  }
  return `${JSON.stringify(rest.slice(0, 20))} where a member's name should be`;
}
