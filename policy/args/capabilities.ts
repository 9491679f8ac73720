import { capabilityNumber } from "../capabilities.ts";
import { canonicalDecimals } from "../lower/canonical.ts";
import { numberOperators } from "../schema/vocabulary.ts";
import { quote } from "../suggest.ts";
import type { ArgKind, ArgOperator, Span } from "./kind.ts";
import { operatorsOnNumber } from "./number-operators.ts";
import { recordedBits } from "./recorded.ts";

const u64: Span = { first: 0n, last: (1n << 64n) - 1n };
const { Equal, NotEqual, Mask, ...others } = operatorsOnNumber({ facet: "bits", holds: u64 });

/** A `kernel_cap_t *`: a set of capabilities, compared as a whole or by what is in it. */
export function capabilitySetKind() {
  return {
    aliases: [],
    instead: "hook a kernel function that is given one: programs pass no set of the kernel",
    // Of no type that a policy of one namespace may read.
    parameters: [],
    facets: { bits: "number" },
    operators: {
      ...{ Equal: withNames(Equal), NotEqual: withNames(NotEqual), Mask: withNames(Mask) },
      ...others,
    },
    upstreamOperators: [...numberOperators, "CapabilitiesGained"],
    read: (index, { parameters }) => {
      const parameter = parameters[index];
      if (parameter?.kind !== "capabilities" || parameter.bits === undefined) return "unknown";
      return { bits: parameter.bits };
    },
    recorded: (argument) => {
      const bits = recordedBits(argument);
      return bits === undefined ? undefined : { kind: "capabilities", bits };
    },
    samples: ["0", "1", "CAP_SYS_ADMIN", "CAP_CHOWN,CAP_BPF", "0x1ffffffffff"],
  } as const satisfies ArgKind;
}

/** The same with sets that are lists of names, too: `CAP_CHOWN,CAP_KILL`. */
function withNames(operator: ArgOperator<bigint>): ArgOperator<bigint> {
  const { samples: _, ...same } = operator;
  return {
    ...same,
    parse: (report, values, place) => {
      const { at } = place;
      const numbers = values.map((value, i) => {
        if (/^[+-]?[0-9]/.test(value)) return value;
        const names = value.split(",").map((name) => name.trim());
        const wrong = names.find((name) => capabilityNumber(name) === undefined);
        if (wrong === undefined)
          return String(names.reduce((bits, name) => bits | bitOf(name), 0n));
        const fix = "write capabilities such as CAP_CHOWN,CAP_KILL, or a number";
        report.invalid(`${at}[${i}]`, `has ${quote(wrong)}`, fix);
        return "1"; // in its place, so that others keep theirs
      });
      return canonicalDecimals(operator.parse(report, numbers, place).map(BigInt));
    },
  };
}

function bitOf(name: string): bigint {
  return 1n << BigInt(capabilityNumber(name)!);
}
