import type { Arbitrary } from "fast-check";
import type { Static } from "typebox";
import { capabilityNames, capabilityNumber } from "../capabilities.ts";
import { canonicalNumbers } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { atomicList, type Immutable, int32, literal, object, oneOf } from "../schema/dsl.ts";
import type { matchCapability } from "../schema/selector.ts";
import { memberships } from "../schema/vocabulary.ts";
import { quote, suggestFrom } from "../suggest.ts";
import type { Arbitraries, ConditionKind, ConditionPlace, Words } from "./kind.ts";
import { someOf } from "./values.ts";

const sets = ["effective", "inheritable", "permitted"] as const;
const userNamespaces = ["any", "host", "nested"] as const;

/** What a condition on capabilities says of them, in a SelectorSet. */
export const capabilityFields = {
  /** In: any of them is held; NotIn: none is. */
  op: oneOf(memberships),
  set: oneOf(sets),
  /** Capability numbers (CAP_SYS_ADMIN is 21). */
  values: atomicList(int32({ minimum: 0, maximum: 63 })),
  /**
   * Where it must be held to count: in whatever user namespace the process lives in, over the host
   * (the initial user namespace), or in a nested one. A condition with `nested` is false for a
   * process of the initial user namespace, whatever the operator (upstream's rule).
   */
  userNamespace: oneOf(userNamespaces),
};

const schema = object({ by: literal("capability"), ...capabilityFields });

export type CapabilityCondition = Immutable<Static<typeof schema>>;

export type CapabilityFacts = {
  readonly capabilities: Readonly<Record<(typeof sets)[number], bigint>>;
  readonly inHostUserNamespace: boolean;
};

/** Which capabilities the process that makes the call has. */
export const capability = {
  schema,
  section: "matchCapabilities",
  lower,
  holds: ({ userNamespace, op, set, values }, { process }) => {
    if (userNamespace === "nested" && process.inHostUserNamespace) return false;
    const counts = userNamespace !== "host" || process.inHostUserNamespace;
    const has = process.capabilities[set];
    const held = counts && values.some((value) => ((has >> BigInt(value)) & 1n) === 1n);
    return held === (op === "In");
  },
  whyUntold: ({ userNamespace }, { credentials, namespaces }) =>
    credentials ?? (userNamespace === "any" ? undefined : namespaces),
  describe: ({ op, set, values, userNamespace }, { list }: Words) => {
    const names = values.map((value) => capabilityNames[value] ?? String(value));
    const where = userNamespace === "any" ? "" : ` (${userNamespace})`;
    return `${set} capability${where} ${op} ${list(names)}`;
  },
  any: (fc) => [anyCapability(fc)],
  anyProcess,
} satisfies ConditionKind<CapabilityCondition, CapabilityFacts>;

/**
 * What isNamespaceCapability means. Upstream: it must be held in a user namespace other than the
 * host's. In an ExecPolicy: it counts in whatever user namespace the process lives in, so that a
 * privileged pod in the host's and root in its own both match; otherwise only over the host.
 */
const meaning = {
  TracingPolicy: { true: "nested", false: "any" },
  ExecPolicy: { true: "any", false: "host" },
} as const;

type MatchCapability = Immutable<Static<typeof matchCapability>>;

function lower(
  report: Report,
  match: MatchCapability,
  { at, policy }: ConditionPlace,
): CapabilityCondition {
  if (match.values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list capabilities such as CAP_SYS_ADMIN");
  }
  const numbers = match.values.map((name, i) => {
    const number = capabilityNumber(name);
    if (number === undefined) {
      const fix = suggestFrom(withCap(name), capabilityNames);
      report.invalid(`${at}.values[${i}]`, `is ${quote(name)}`, fix);
    }
    return number ?? 0;
  });
  return {
    by: "capability",
    op: match.operator,
    set: setOf[match.type ?? "Effective"],
    values: canonicalNumbers(numbers),
    userNamespace: meaning[policy][match.isNamespaceCapability === true ? "true" : "false"],
  };
}

const setOf = {
  Effective: "effective",
  Inheritable: "inheritable",
  Permitted: "permitted",
} as const satisfies Record<NonNullable<MatchCapability["type"]>, (typeof sets)[number]>;

/** `SYS_ADMIN` is how capabilities are called in a pod's securityContext. */
function withCap(name: string): string {
  return /^cap_/i.test(name) ? name : `CAP_${name}`;
}

const samples = [0, 1, 21, 40];

function anyCapability(fc: Arbitraries) {
  return fc.record({
    by: fc.constant("capability" as const),
    op: fc.constantFrom(...memberships),
    set: fc.constantFrom(...sets),
    values: someOf(fc, samples).map(canonicalNumbers),
    userNamespace: fc.constantFrom(...userNamespaces),
  });
}

function anyProcess(fc: Arbitraries): Arbitrary<CapabilityFacts> {
  const set = fc
    .subarray(samples)
    .map((bits) => bits.reduce((held, bit) => held | (1n << BigInt(bit)), 0n));
  return fc.record({
    capabilities: fc.record({ effective: set, inheritable: set, permitted: set }),
    inHostUserNamespace: fc.boolean(),
  });
}
