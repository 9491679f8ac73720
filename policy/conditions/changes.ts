import type { Arbitrary } from "fast-check";
import type { Static } from "typebox";
import type { Report } from "../lower/report.ts";
import { atomicList, type Immutable, literal, object, oneOf } from "../schema/dsl.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import { memberships, upstreamNamespaces } from "../schema/vocabulary.ts";
import { suggestFrom } from "../suggest.ts";
import { type CapabilityFacts, capability, capabilityFields } from "./capability.ts";
import type { Arbitraries, ConditionKind, ConditionPlace, Words } from "./kind.ts";
import { type NamespaceFacts, sampleInodes } from "./namespace.ts";
import { someOf } from "./values.ts";

/** What a process is now, and what it was when it last executed a program, or was made. */
type IdentityFacts = Pick<NamespaceFacts, "namespaces"> &
  Pick<CapabilityFacts, "capabilities" | "inHostUserNamespace"> & {
    /** undefined: nobody noted it. */
    readonly before?: Pick<NamespaceFacts, "namespaces"> & Pick<CapabilityFacts, "capabilities">;
  };
export type ChangeFacts = Pick<IdentityFacts, "before">;

const untold = "what the process was when it executed its program";

const ofNamespaces = object({
  by: literal("namespaceChange"),
  /** In: one of them is another; NotIn: one that is none of them. */
  op: oneOf(memberships),
  values: atomicList(oneOf(upstreamNamespaces)),
});
export type NamespaceChangeCondition = Immutable<Static<typeof ofNamespaces>>;
type Namespace = NamespaceChangeCondition["values"][number];

/** Which namespaces of the process are others than before. */
export const namespaceChange = {
  schema: ofNamespaces,
  section: "matchNamespaceChanges",
  lower: lowerNamespaces,
  holds: ({ op, values }, { process: { namespaces, before } }) =>
    upstreamNamespaces.some((name) => {
      const [then, now] = [before?.namespaces[name], namespaces[name]];
      const changed = then !== undefined && now !== undefined && then !== now;
      return changed && values.includes(name) === (op === "In");
    }),
  whyUntold: () => untold,
  describe: ({ op, values }, { list }: Words) => `changed namespaces ${op} ${list(values)}`,
  any: (fc) => [
    fc.record({
      by: fc.constant("namespaceChange" as const),
      op: fc.constantFrom(...memberships),
      values: someOf(fc, upstreamNamespaces).map(sorted),
    }),
  ],
  anyProcess,
} satisfies ConditionKind<NamespaceChangeCondition, IdentityFacts>;

type MatchNamespaces = NonNullable<SelectorSpec["matchNamespaceChanges"]>[number];

type MatchCapabilities = NonNullable<SelectorSpec["matchCapabilityChanges"]>[number];

function lowerNamespaces(
  report: Report,
  match: MatchNamespaces,
  { at }: ConditionPlace,
): NamespaceChangeCondition {
  if (match.values.length === 0) {
    report.invalid(`${at}.values`, "is empty", `list namespaces: ${upstreamNamespaces.join(", ")}`);
  }
  const names = match.values.flatMap((value, i) => {
    const name = upstreamNamespaces.find((one) => one.toLowerCase() === value.toLowerCase());
    if (name !== undefined) return [name];
    const fix = suggestFrom(value, upstreamNamespaces);
    report.invalid(`${at}.values[${i}]`, `is ${JSON.stringify(value)}`, fix);
    return [];
  });
  return { by: "namespaceChange", op: match.operator, values: sorted(names) };
}

function sorted(names: readonly Namespace[]): readonly Namespace[] {
  return [...new Set(names)].sort();
}

const ofCapabilities = object({ by: literal("capabilityChange"), ...capabilityFields });
export type CapabilityChangeCondition = Immutable<Static<typeof ofCapabilities>>;

/** Which capabilities the process has, and had not before, or had. */
export const capabilityChange = {
  schema: ofCapabilities,
  section: "matchCapabilityChanges",
  lower: (report: Report, match: MatchCapabilities, place: ConditionPlace) => {
    const lowered = capability.lower(report, match, place);
    return { ...lowered, by: "capabilityChange" as const };
  },
  holds: ({ op, set, values, userNamespace }, { process }) => {
    if (process.before === undefined) return false;
    if (userNamespace === "nested" && process.inHostUserNamespace) return false;
    const changed = process.before.capabilities[set] ^ process.capabilities[set];
    const counts = userNamespace !== "host" || process.inHostUserNamespace;
    const listed = counts && values.some((value) => ((changed >> BigInt(value)) & 1n) === 1n);
    return changed !== 0n && listed === (op === "In");
  },
  whyUntold: () => untold,
  describe: (condition, words) =>
    `change of ${capability.describe({ ...condition, by: "capability" }, words)}`,
  any: (fc) =>
    capability
      .any(fc)
      .map((one) => one.map((all) => ({ ...all, by: "capabilityChange" as const }))),
  anyProcess: (fc) => fc.constant({}),
} satisfies ConditionKind<CapabilityChangeCondition, IdentityFacts>;

function anyProcess(fc: Arbitraries): Arbitrary<ChangeFacts> {
  const inodes = fc.tuple(
    ...upstreamNamespaces.map((name) =>
      fc.constantFrom(...sampleInodes, undefined).map((inode) => [name, inode] as const),
    ),
  );
  const set = fc.constantFrom(0n, 1n, 3n, 1n << 21n, (1n << 40n) | 1n);
  const before = fc.record({
    namespaces: inodes.map((all) =>
      Object.fromEntries(all.filter(([, inode]) => inode !== undefined)),
    ),
    capabilities: fc.record({ effective: set, inheritable: set, permitted: set }),
  });
  return fc
    .option(before, { nil: undefined, freq: 4 })
    .map((one) => (one === undefined ? {} : { before: one }));
}
