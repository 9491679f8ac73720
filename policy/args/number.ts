import { numberOperators } from "../schema/vocabulary.ts";
import type { ArgKind, Span } from "./kind.ts";
import { operatorsOnNumber } from "./number-operators.ts";
import { recordedNumber } from "./recorded.ts";

type NumberType = Omit<
  ArgKind,
  "facets" | "operators" | "upstreamOperators" | "read" | "recorded"
> & {
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
};

/** A type whose reading is one number: the low `bits` of the register, which has 32 in a 32-bit call. */
export function numberKind({ bits, signed, ...kind }: NumberType) {
  const narrow = signed ? BigInt.asIntN : BigInt.asUintN;
  const holds: Span = signed
    ? { first: -(1n << BigInt(bits - 1)), last: (1n << BigInt(bits - 1)) - 1n }
    : { first: 0n, last: (1n << BigInt(bits)) - 1n };
  return {
    ...kind,
    facets: { value: "number" },
    operators: operatorsOnNumber({ facet: "value", holds }),
    upstreamOperators: numberOperators,
    read: (index, { parameters, is32Bit }) => {
      const parameter = parameters[index];
      if (parameter?.kind !== "number") return "unknown";
      return { value: narrow(is32Bit ? Math.min(bits, 32) : bits, parameter.value) };
    },
    recorded: recordedNumber,
  } as const satisfies ArgKind;
}
