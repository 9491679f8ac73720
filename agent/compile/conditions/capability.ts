import { enums } from "../../gen/layout.ts";
import { onAttachPoint } from "../resources.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

type Capability = By<"capability">;

const { cap_set, cap_user_ns } = enums;
const setCodes: Readonly<Record<Capability["set"], number>> = {
  effective: cap_set.CAP_SET_EFFECTIVE,
  inheritable: cap_set.CAP_SET_INHERITABLE,
  permitted: cap_set.CAP_SET_PERMITTED,
};
const userNsCodes: Readonly<Record<Capability["userNamespace"], number>> = {
  any: cap_user_ns.CAP_NS_ANY,
  host: cap_user_ns.CAP_NS_HOST,
  nested: cap_user_ns.CAP_NS_NESTED,
};

/** Three rows a distinct test: not held, held, and void (its user namespace does not count). */
export const capability: ConditionCompiler<Capability> = {
  facet: () => ({ kind: enums.facet_kind.FACET_CAPABILITIES }),
  compile(asked, { symbol, where }) {
    const byBit = new Map(asked.map(({ bit, conditions }) => [bit, conditions]));
    const tests = new Map(
      asked.flatMap(({ conditions }) => conditions).map((one) => [testKey(one), one] as const),
    );
    if (tests.size > enums.engine_limit.CAP_TESTS_MAX) {
      throw new RangeError(
        `${symbol}: ${tests.size} different matchCapabilities; the engine takes ${enums.engine_limit.CAP_TESTS_MAX} on one attach point`,
      );
    }
    const rowsOf = (key: string) => {
      const row = (meets: (op: Capability["op"]) => boolean) =>
        where((bit) => (byBit.get(bit) ?? []).every((c) => testKey(c) !== key || meets(c.op)));
      return [row((op) => op === "NotIn"), row((op) => op === "In"), row(() => false)];
    };
    // Each process has capabilities: what its own rows leave is never asked.
    const unasked = where((bit) => !byBit.has(bit));
    return {
      ...{ otherwise: unasked, absent: unasked },
      rows: [...tests.keys()].flatMap(rowsOf),
      count: tests.size,
      caps: [...tests.values()].map(({ values, set, userNamespace }) => ({
        mask: values.reduce((mask, number) => mask | (1n << BigInt(number)), 0n),
        set: setCodes[set],
        user_ns: userNsCodes[userNamespace],
      })),
    };
  },
  needs: (condition, place) => [
    onAttachPoint(place, {
      what: "different matchCapabilities",
      limit: enums.engine_limit.CAP_TESTS_MAX,
      amount: new Set([testKey(condition)]),
    }),
  ],
};

/** Conditions with the same test differ at most in their operator. */
function testKey({ set, userNamespace, values }: Capability): string {
  return `${set} ${userNamespace} ${values}`;
}
