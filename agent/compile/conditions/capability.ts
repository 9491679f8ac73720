import { enums } from "../../gen/layout.ts";
import { onAttachPoint } from "../resources.ts";
import type { By, CapTest, ConditionCompiler } from "./compiler.ts";
import { namespaceParts } from "./namespace.ts";

type Capability = By<"capability">;
type NamespaceChange = By<"namespaceChange">;
type CapabilityChange = By<"capabilityChange">;
type Tested = Capability | NamespaceChange | CapabilityChange;

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

/** What a process is tested for, and what an operator makes of the answer. */
type Test = CapTest & {
  readonly key: string;
  /** No bit of the mask is set; some is; void: its user namespace does not count, or nothing changed. */
  readonly meets: readonly [none: boolean, some: boolean, voided: boolean];
};

function testOf(condition: Tested): Test {
  if (condition.by === "namespaceChange") return testOfNamespaces(condition);
  const { by, op, set, userNamespace, values } = condition;
  const isChange = by === "capabilityChange";
  return {
    // Conditions with the same test differ at most in their operator.
    key: `${by} ${set} ${userNamespace} ${values}`,
    mask: values.reduce((mask, number) => mask | (1n << BigInt(number)), 0n),
    set: setCodes[set] + (isChange ? cap_set.CAP_SET_CHANGED : 0),
    user_ns: userNsCodes[userNamespace],
    meets: [op === "NotIn", op === "In", false],
  };
}

const allNamespaces = Object.values(namespaceParts).reduce(
  (mask, part) => mask | (1n << BigInt(part)),
  0n,
);

/** NotIn asks for a change of any other one. */
function testOfNamespaces({ op, values }: NamespaceChange): Test {
  const listed = values.reduce((mask, name) => mask | (1n << BigInt(namespaceParts[name])), 0n);
  const mask = op === "In" ? listed : allNamespaces & ~listed;
  return {
    ...{ key: `namespaces ${mask}`, mask, set: cap_set.CAP_SET_NAMESPACES },
    ...{ user_ns: cap_user_ns.CAP_NS_ANY, meets: [false, true, false] },
  };
}

/** Three rows a distinct test, as in Test.meets. */
const tested: ConditionCompiler<Tested> = {
  facet: () => ({ kind: enums.facet_kind.FACET_CAPABILITIES }),
  compile(asked, { symbol, where }) {
    const byBit = new Map(asked.map(({ bit, conditions }) => [bit, conditions.map(testOf)]));
    const tests = new Map([...byBit.values()].flat().map((one) => [one.key, one] as const));
    if (tests.size > enums.engine_limit.CAP_TESTS_MAX) {
      throw new RangeError(
        `${symbol}: ${tests.size} different matchCapabilities; the engine takes ${enums.engine_limit.CAP_TESTS_MAX} on one attach point`,
      );
    }
    const rowsOf = (key: string) =>
      [0, 1, 2].map((row) =>
        where((bit) => (byBit.get(bit) ?? []).every((one) => one.key !== key || one.meets[row]!)),
      );
    // Each process has capabilities: what its own rows leave is never asked.
    const unasked = where((bit) => !byBit.has(bit));
    return {
      ...{ otherwise: unasked, absent: unasked },
      rows: [...tests.keys()].flatMap(rowsOf),
      count: tests.size,
      caps: [...tests.values()].map(({ mask, set, user_ns }) => ({ mask, set, user_ns })),
    };
  },
  needs: (condition, place) => [
    onAttachPoint(place, {
      what: "different matchCapabilities",
      limit: enums.engine_limit.CAP_TESTS_MAX,
      amount: new Set([testOf(condition).key]),
    }),
  ],
};

export const capability: ConditionCompiler<Capability> = tested;
export const namespaceChange: ConditionCompiler<NamespaceChange> = tested;
export const capabilityChange: ConditionCompiler<CapabilityChange> = tested;

/** Whether a test of the attach point compares the process with what it was before. */
export function comparesBefore(caps: readonly CapTest[]): boolean {
  return caps.some(({ set }) => set >= cap_set.CAP_SET_CHANGED);
}
