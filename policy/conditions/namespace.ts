import type { Static } from "typebox";
import { canonicalDecimals } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { atomicList, type Immutable, literal, object, oneOf, text } from "../schema/dsl.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import { memberships, upstreamNamespaces } from "../schema/vocabulary.ts";
import { quote } from "../suggest.ts";
import type { Arbitraries, ConditionKind, ConditionPlace, Words } from "./kind.ts";
import { someOf } from "./values.ts";

/** The namespace of the host's pid 1, whichever that is. */
const hostWord = "host_ns";
const maxInode = 2n ** 32n - 1n;

const schema = object({
  by: literal("namespace"),
  op: oneOf(memberships),
  namespace: oneOf(upstreamNamespaces),
  /** Inode numbers in decimal; `host_ns` is the namespace of the host's pid 1. */
  values: atomicList(text({ pattern: `^([1-9][0-9]{0,9}|${hostWord})$` })),
});

export type NamespaceCondition = Immutable<Static<typeof schema>>;

/** Inode numbers of namespaces by kind; undefined: a process that ends has left it. */
type Inodes = Readonly<Partial<Record<NamespaceCondition["namespace"], number>>>;

export type NamespaceFacts = {
  readonly namespaces: Inodes;
  /** Of the host's pid 1. */
  readonly hostNamespaces: Inodes;
};

/** In which namespaces the process is that makes the call. */
export const namespace = {
  schema,
  section: "matchNamespaces",
  lower,
  holds: ({ op, namespace: name, values }, { process: { namespaces, hostNamespaces } }) => {
    const own = namespaces[name];
    if (own === undefined) return false;
    const isHost = own === hostNamespaces[name];
    const listed = values.includes(String(own)) || (isHost && values.includes(hostWord));
    return listed === (op === "In");
  },
  whyUntold: (_, { namespaces }) => namespaces,
  describe: ({ op, namespace: name, values }, { list }: Words) =>
    `${name} namespace ${op} ${list(values)}`,
  any: (fc) => [anyNamespace(fc)],
  anyProcess,
} satisfies ConditionKind<NamespaceCondition, NamespaceFacts>;

type MatchNamespace = NonNullable<SelectorSpec["matchNamespaces"]>[number];

function lower(report: Report, match: MatchNamespace, { at }: ConditionPlace): NamespaceCondition {
  if (match.values.length === 0) {
    report.invalid(`${at}.values`, "is empty", `list inode numbers, or ${hostWord}`);
  }
  const inodes = match.values.flatMap((value, i) => {
    if (value === hostWord) return [];
    const inode = /^[0-9]{1,10}$/.test(value) ? BigInt(value) : 0n;
    if (inode >= 1n && inode <= maxInode) return [inode];
    const fix = `write ${hostWord}, or an inode number as in /proc/PID/ns: 1 to ${maxInode}`;
    report.invalid(`${at}.values[${i}]`, `is ${quote(value)}`, fix);
    return [];
  });
  const host = match.values.includes(hostWord) ? [hostWord] : [];
  const { operator: op, namespace: name } = match;
  return { by: "namespace", op, namespace: name, values: [...canonicalDecimals(inodes), ...host] };
}

/** Test support: the host's, and others. */
export const sampleInodes: readonly number[] = [4_026_531_840, 4_026_531_841, 4_026_531_842];

function anyNamespace(fc: Arbitraries) {
  return fc.record({
    by: fc.constant("namespace" as const),
    op: fc.constantFrom(...memberships),
    namespace: fc.constantFrom(...upstreamNamespaces),
    values: someOf(fc, [...sampleInodes.map(String), hostWord]),
  });
}

function anyProcess(fc: Arbitraries) {
  const own = fc.tuple(
    ...upstreamNamespaces.map((name) =>
      fc.constantFrom(...sampleInodes, undefined).map((inode) => [name, inode] as const),
    ),
  );
  return fc.record({
    namespaces: own.map(
      (all) => Object.fromEntries(all.filter(([, inode]) => inode !== undefined)) as Inodes,
    ),
    hostNamespaces: fc.constant(
      Object.fromEntries(upstreamNamespaces.map((name) => [name, sampleInodes[0]!])) as Inodes,
    ),
  });
}
