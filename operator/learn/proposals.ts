import { isDeepStrictEqual } from "node:util";
import {
  apiVersion,
  applyObject,
  type Clock,
  collectionPath,
  deleteObject,
  isKubeError,
  type KubeConnection,
  type KubeObject,
  Loop,
  listObjects,
  listPages,
  type NextStep,
  Reflector,
  runTogether,
} from "@guardbee/kube";
import {
  type ExecPolicySpec,
  type ExecProposal,
  learnOf,
  parseExecReport,
  resourceOf,
  setName,
} from "@guardbee/policy";
import type { Logger } from "pino";
import { fieldManager } from "../field-manager.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { Gathered } from "./gathered.ts";
import { propose } from "./propose.ts";

export type ProposalsOptions = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  /** Whether a policy is covered has changed; by set name. */
  readonly onCovered: (setName: string) => void;
  /** Between two looks at what changed; default 5 s. */
  readonly intervalMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

const reports = resourceOf("NodeExecReport");
const kinds = {
  ExecPolicy: resourceOf("ExecProposal"),
  ExecPolicyNamespaced: resourceOf("ExecProposalNamespaced"),
} as const;

/** Few a page: one may be as large as etcd takes. */
const pageSize = 20;
/** A sweep over a large fleet takes its time: so much of the whole at most. */
const share = 20;

/**
 * The proposals of one leader's term. Reports are followed by their metadata alone; when some have
 * changed, all are read page by page, folded by policy and let go again: what a fleet learns is not
 * kept in memory, and nothing of a report outlives its node here but what was proposed of it.
 */
export class Proposals {
  readonly #options: ProposalsOptions;
  readonly #revisions: Reflector<string>;
  readonly #loop: Loop;
  /** Of what the last sweep saw. Written by `#step`. */
  #seen = "";
  /** When the next may begin, and when time alone changes something (monotonic). The same. */
  #nextMs = 0;
  #dueMs = 0;
  /** Grows with each change of a report. Written by the reflector. */
  #changes = 0;
  /** Set names of those that were covered when they were looked at last. Written by `#propose` and `#sweep`. */
  readonly #covered = new Set<string>();

  constructor(options: ProposalsOptions) {
    const { connection, clock, log } = options;
    this.#options = options;
    this.#revisions = new Reflector({
      ...{ connection, clock, log, resource: reports, metadataOnly: true },
      project: ({ metadata }) => metadata.resourceVersion ?? "",
      onChange: () => {
        this.#changes += 1;
      },
    });
    const failure = "what nodes learned cannot be proposed";
    this.#loop = new Loop({ step: (signal) => this.#step(signal), failure, clock, log });
  }

  /** Whether enough was seen of what the policy holds for. */
  covered(name: string): boolean {
    return this.#covered.has(name);
  }

  run(signal: AbortSignal): Promise<void> {
    return runTogether(
      [this.#revisions, this.#loop].map((part) => (each) => part.run(each)),
      signal,
    );
  }

  async #step(signal: AbortSignal): Promise<NextStep> {
    const { clock, intervalMs = 5_000 } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs < this.#nextMs) return { againInMs: this.#nextMs - nowMs };
    const learning = this.#learning();
    const seen = JSON.stringify([this.#changes, learning.map(stateOf)]);
    if (seen !== this.#seen || nowMs >= this.#dueMs) {
      this.#dueMs = clock.monotonic() + (await this.#sweep(learning, signal));
      this.#seen = seen;
    }
    const tookMs = clock.monotonic() - nowMs;
    const againInMs = Math.max(intervalMs, share * tookMs);
    this.#nextMs = clock.monotonic() + againInMs;
    return { againInMs };
  }

  #learning(): readonly PolicyEntry[] {
    const { fleet } = this.#options;
    return fleet
      .setNames()
      .flatMap((name) => fleet.policy(name) ?? [])
      .filter((policy) => !policy.deleting && specOf(policy)?.learn !== undefined);
  }

  /** Ends with when it is to be done again though nothing changed. */
  async #sweep(learning: readonly PolicyEntry[], signal: AbortSignal): Promise<number> {
    const there = await this.#list(signal, learning.length === 0);
    const gathered = new Map(
      learning.map(({ setName: name, object }) => [name, new Gathered(object.metadata.namespace)]),
    );
    if (learning.length > 0) await this.#gather(gathered, signal);
    let dueInMs = Number.POSITIVE_INFINITY;
    const failed: unknown[] = [];
    for (const policy of learning) {
      const its = gathered.get(policy.setName)!;
      try {
        dueInMs = Math.min(dueInMs, await this.#propose(policy, its, there, signal));
      } catch (error) {
        signal.throwIfAborted();
        failed.push(error); // a namespace that is on its way out must not hold up the others
      }
      there.delete(policy.setName);
    }
    for (const [name, { resource, object }] of there) {
      this.#covered.delete(name);
      await deleteObject(this.#options.connection, resource, object.metadata, signal);
    }
    if (failed.length > 0) throw failed[0];
    return dueInMs;
  }

  /** Every proposal, by the set name of its policy. CRDs that are older than we are have none. */
  async #list(signal: AbortSignal, mayLack: boolean): Promise<Map<string, Stored>> {
    const found = await Promise.all(
      Object.entries(kinds).map(async ([kind, resource]) => {
        const objects = await listObjects(
          ...([this.#options.connection, resource, undefined, signal] as const),
        ).catch((error: unknown) => {
          if (mayLack && isKubeError(error, 404)) return [];
          throw error;
        });
        return objects.map((object): [string, Stored] => {
          const { name, namespace } = object.metadata;
          const ref = { kind, name, ...(namespace === undefined ? {} : { namespace }) };
          return [setName(ref), { resource, object }];
        });
      }),
    );
    return new Map(found.flat());
  }

  /** Of a node only what it says of policies that it is to hold. */
  async #gather(all: ReadonlyMap<string, Gathered>, signal: AbortSignal): Promise<void> {
    const { connection, fleet, log } = this.#options;
    const request = { path: collectionPath(reports), pageSize };
    for await (const { items } of listPages(connection, request, signal)) {
      for (const item of items ?? []) {
        const { name: node } = item.metadata;
        const parsed = parseExecReport(item);
        if (!parsed.ok) {
          log.warn({ node, problem: parsed.problems[0] }, "what a node reports cannot be read");
          continue;
        }
        const held = new Set(fleet.node(node) && fleet.nodeSets(node)?.sets);
        const seen = new Set<string>();
        for (const report of parsed.value.policies) {
          if (!held.has(report.set) || seen.has(report.set)) continue;
          seen.add(report.set);
          all.get(report.set)?.add(report);
        }
      }
    }
  }

  async #propose(
    policy: PolicyEntry,
    gathered: Gathered,
    there: ReadonlyMap<string, Stored>,
    signal: AbortSignal,
  ): Promise<number> {
    const { connection, clock, onCovered } = this.#options;
    const { setName: name, uid } = policy;
    const spec = specOf(policy)!;
    const before = there.get(name)?.object as (KubeObject & ExecProposal) | undefined;
    const { content, dueInMs } = propose({
      ...{ rules: spec.rules, learn: learnOf(spec)!, gathered, before },
      held: isHeld(policy),
      nowMs: clock.now(),
    });
    const isCovered = content.status?.conditions?.[0]?.status === "True";
    const changed = isCovered !== this.#covered.has(name);
    this.#covered[isCovered ? "add" : "delete"](name);
    if (changed) onCovered(name);
    if (before !== undefined && isDeepStrictEqual(contentOf(before), contentOf(content))) {
      return dueInMs;
    }
    const { kind } = policy.resource;
    const { name: itsName, namespace } = policy.object.metadata;
    const metadata = {
      ...{ name: itsName, ...(namespace === undefined ? {} : { namespace }) },
      labels: { "app.kubernetes.io/managed-by": fieldManager },
      ownerReferences: [{ apiVersion: apiVersion(policy.resource), kind, name: itsName, uid }],
    };
    const target = {
      resource: kinds[kind as keyof typeof kinds],
      object: { metadata, ...content },
    };
    await applyObject(connection, target, { fieldManager, force: true }, signal);
    return dueInMs;
  }
}

type Stored = {
  readonly resource: (typeof kinds)[keyof typeof kinds];
  readonly object: KubeObject;
};

function specOf({ resource, object }: PolicyEntry): ExecPolicySpec | undefined {
  return resource.kind in kinds ? (object.spec as ExecPolicySpec) : undefined;
}

/** What a proposal depends on, of its policy. */
function stateOf(policy: PolicyEntry): readonly unknown[] {
  return [policy.setName, policy.uid, policy.generation, isHeld(policy)];
}

function isHeld({ status, generation }: PolicyEntry): boolean {
  const { programmed = 0, failed = 0, pending = 0, waiting = 0 } = status?.nodes ?? {};
  const isOfThis = status?.observedGeneration === generation;
  return isOfThis && programmed > 0 && failed + pending + waiting === 0;
}

function contentOf({ executables, omitted, coverage, status }: ExecProposal): unknown {
  return JSON.parse(JSON.stringify({ executables, omitted, coverage, status }));
}
