import { type Pod, parseSetObject, setsIn } from "@guardbee/agent/view";
import type { KubeObject } from "@guardbee/kube";
import {
  Digests,
  hashFor,
  isTurnOf,
  matchesLabels,
  type NodeEntry,
  type NodeSetsEntry,
  projectNode,
  projectNodeSets,
  projectSet,
} from "@guardbee/operator/view";
import type { Mode, Scope, SelectorSet } from "@guardbee/policy";
import { describeLabels, describeScope } from "./describe-set.ts";
import { policyTitle } from "./find-policy.ts";
import { holdingsOf, stateOn } from "./node-report.ts";
import { section } from "./policy-report.ts";
import { formatFacts } from "./table.ts";

/** One policy as it concerns one pod. */
export type PodPolicy = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** The RegoPolicy that generated it. */
  readonly generatedBy?: string;
  readonly selectorSet: string;
  readonly mode: Mode;
  /** What selects the pod. */
  readonly selector: string;
  /** What this node's kernel makes of it: what is not programmed does not hold, whatever selects it. */
  readonly state: "programmed" | "failed" | "pending" | "waiting" | "unreachable";
  readonly message?: string;
  /** Names of containers in which it holds. */
  readonly containers: readonly string[];
};

export type PodReport = {
  readonly namespace: string;
  readonly name: string;
  readonly node?: string;
  /** Why nothing can hold, or what else to know. */
  readonly notes: readonly string[];
  readonly policies: readonly PodPolicy[];
  /** Policies that do not hold here, and why; only where asked for. */
  readonly others?: readonly { readonly policy: string; readonly why: string }[];
};

export type PodFacts = {
  readonly pod: Pod;
  readonly node: string | undefined;
  readonly nodeObject: KubeObject | undefined;
  readonly nodePolicySet: KubeObject | undefined;
  readonly selectorSets: readonly KubeObject[];
  /** An agent's own pod, for which no policy holds. */
  readonly isAgent: boolean;
};

type Named = { readonly object: string; readonly set: SelectorSet };

/** Which policies hold for a pod: by the scopes that its node's agent applies. Pure. */
export function reportPod(facts: PodFacts, show: { readonly others: boolean }): PodReport {
  const { pod, selectorSets, isAgent } = facts;
  const entry = facts.nodePolicySet && projectNodeSets(facts.nodePolicySet);
  const node = facts.nodeObject && projectNode(facts.nodeObject);
  const listed = new Set(entry?.sets);
  const all = selectorSets.flatMap(namedSets);
  const here = all.filter(({ object }) => listed.has(object));
  const holding = isAgent || pod.finished ? [] : here.flatMap((one) => holdsIn(one, pod));
  const states = new NodeStates(node, entry, selectorSets);
  return {
    namespace: pod.namespace,
    name: pod.name,
    ...(facts.node === undefined ? {} : { node: facts.node }),
    notes: notesOn(facts, entry),
    policies: holding.map(({ object, set, containers }) => ({
      ...identityOf(object, set),
      ...{ selectorSet: object, mode: set.mode, selector: describeScope(set.scope) },
      ...states.of(object),
      containers,
    })),
    ...(show.others ? { others: whyNot(all, holding, { pod, listed, node }) } : {}),
  };
}

export function formatPodReport(report: PodReport, columns: number | undefined): string {
  const { namespace, name, node, notes, policies, others = [] } = report;
  const rows = policies.map((one) => [
    titleOf(one),
    one.mode,
    one.state,
    one.containers.join(", "),
    one.message === undefined ? one.selector : `${one.selector} (${one.message})`,
  ]);
  const head = ["POLICY", "MODE", "ON THE NODE", "CONTAINERS", "SELECTED BY"];
  const none = policies.length === 0 ? "\nNo policy holds for this pod.\n" : "";
  return [
    formatFacts([
      ["Pod", `${namespace}/${name}`],
      ["Node", node ?? "not scheduled yet"],
      ...notes.map((note) => ["Note", note] as const),
    ]),
    section(head, rows, columns),
    none,
    section(
      ["NOT IN FORCE HERE", "WHY"],
      others.map(({ policy, why }) => [policy, why]),
      columns,
    ),
  ].join("");
}

/** The sets of an object that an agent would take; of one that it would not, none. */
function namedSets(raw: KubeObject): readonly Named[] {
  const { name } = raw.metadata;
  const parsed = parseSetObject(name, raw.spec);
  return parsed.ok ? parsed.sets.map(({ set }) => ({ object: name, set })) : [];
}

function holdsIn(named: Named, pod: Pod): readonly (Named & { containers: readonly string[] })[] {
  const containers = containersIn(named.set, pod);
  return containers.length === 0 ? [] : [{ ...named, containers }];
}

/** The containers of a pod in which a set holds, by the agent's own rule. */
export function containersIn(set: SelectorSet, pod: Pod): readonly string[] {
  if (set.scope.pods === undefined) return [];
  const named = [{ name: "it", set }];
  return pod.containers
    .filter((container) => setsIn(named, pod, container).length > 0)
    .map(({ name }) => name);
}

/** What the node has reported of each SelectorSet object. */
class NodeStates {
  readonly #node: NodeEntry | undefined;
  readonly #entry: NodeSetsEntry | undefined;
  readonly #sets: ReadonlyMap<string, ReturnType<typeof projectSet>>;
  readonly #holds: ReturnType<typeof holdingsOf>;

  constructor(
    node: NodeEntry | undefined,
    entry: NodeSetsEntry | undefined,
    selectorSets: readonly KubeObject[],
  ) {
    this.#node = node;
    this.#entry = entry;
    this.#sets = new Map(selectorSets.map((raw) => [raw.metadata.name, projectSet(raw)]));
    const expected = new Map(
      (entry?.sets ?? []).flatMap((name) => {
        const set = this.#sets.get(name);
        if (node === undefined || set === undefined) return [];
        return [[name, hashFor(set, node.name)] as const];
      }),
    );
    this.#holds = holdingsOf(entry, expected, new Digests());
  }

  of(name: string): Pick<PodPolicy, "state" | "message"> {
    const set = this.#sets.get(name);
    if (this.#node === undefined || set === undefined) return { state: "unreachable" };
    if (!isTurnOf(name, set.rollout, this.#node.name)) {
      return { state: "waiting", message: "its wave of the roll-out has not come" };
    }
    const state = stateOn(this.#node, this.#entry, this.#holds, set);
    const exception = this.#entry?.report?.exceptions.find((one) => one.set === name);
    if (state === "programmed" || exception === undefined) return { state };
    return { state, message: `${exception.reason}: ${exception.message}` };
  }
}

function notesOn(facts: PodFacts, entry: NodeSetsEntry | undefined): readonly string[] {
  const { pod, node, nodeObject, isAgent } = facts;
  const notes: string[] = [];
  if (isAgent) notes.push("this is an agent's own pod: no policy holds for it");
  if (pod.finished) notes.push("it has ended: nothing of it runs any more");
  if (node === undefined) {
    notes.push("policies that select nodes are known once it is on one");
    return notes;
  }
  if (nodeObject === undefined) notes.push(`node ${node} is gone`);
  else if (entry === undefined) notes.push(`the operator has not told node ${node} anything yet`);
  return notes;
}

function identityOf(
  object: string,
  { policy }: SelectorSet,
): Pick<PodPolicy, "kind" | "namespace" | "name" | "generatedBy"> {
  const { kind, namespace, name } = policy;
  const is = { kind, ...(namespace === undefined ? {} : { namespace }), name };
  return object.startsWith("regopolicy") ? { ...is, generatedBy: object } : is;
}

function titleOf({
  kind,
  namespace,
  name,
  generatedBy,
}: Pick<PodPolicy, "kind" | "namespace" | "name" | "generatedBy">): string {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  const title = policyTitle({ kind, metadata });
  return generatedBy === undefined ? title : `${title} (of ${generatedBy})`;
}

type Where = {
  readonly pod: Pod;
  readonly listed: ReadonlySet<string>;
  readonly node: NodeEntry | undefined;
};

/** The first restriction that leaves the pod out, of each policy that does not hold. */
function whyNot(
  all: readonly Named[],
  holding: readonly Named[],
  where: Where,
): NonNullable<PodReport["others"]> {
  const held = new Set(holding.map(({ set }) => set));
  return all
    .filter(({ set }) => !held.has(set))
    .map(({ object, set }) => ({
      policy: titleOf(identityOf(object, set)),
      why: whyNotHere(object, set, where),
    }));
}

function whyNotHere(object: string, set: SelectorSet, { pod, listed, node }: Where): string {
  if (node !== undefined && !matchesLabels(set.nodes, node.labels)) {
    return `it selects nodes with ${describeLabels(set.nodes ?? {})}`;
  }
  const { pods } = set.scope;
  if (pods === undefined) return "it holds for no pods";
  const { containers, ...ofPod } = pods;
  const [first] = pod.containers;
  const alone = (scope: Scope["pods"]) =>
    containersIn({ ...set, scope: { host: false, ...(scope && { pods: scope }) } }, pod).length > 0;
  for (const key of ["namespaces", "labels"] as const) {
    const one = ofPod[key];
    if (one !== undefined && first !== undefined && !alone({ [key]: one })) {
      return `it selects ${describeScope({ host: false, pods: { [key]: one } })}`;
    }
  }
  if (containers !== undefined && !alone({ containers })) {
    return `it selects containers with ${describeLabels(containers)}`;
  }
  if (!listed.has(object)) return "the node has not been told about it";
  return pod.finished ? "the pod has ended" : "no policy holds for this pod";
}
