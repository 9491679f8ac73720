import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import {
  hashSets,
  nodeDigest,
  parsePod,
  type Scope,
  type SelectorSet,
  wholeShare,
} from "@guardbee/policy";
import { anyHolds, type PodFacts, reportPod } from "./pod-report.ts";

const everyPod: Scope = { host: false, pods: {} };
const onlyDb: Scope = { host: false, pods: { labels: { matchLabels: { app: "db" } } } };

const aSet = (scope: Scope, mode: SelectorSet["mode"] = "enforce"): SelectorSet => ({
  policy: { kind: "TracingPolicy", name: "p" },
  mode,
  scope,
  hooks: [],
});
const hashed = (...sets: SelectorSet[]) => ({ hash: hashSets(sets), sets });

const name = "tracingpolicy.p";
const everybody = wholeShare;
const newer = hashed(aSet(onlyDb));
const before = hashed(aSet(everyPod, "monitor"));

/** A SelectorSet of `content`; `share`: of the nodes that are to hold it, the others `previous`. */
function anObject(content: object, rollout?: { share: number; previous?: object }): KubeObject {
  const more = rollout && { rollout: { wave: 1, startedAt: "2026-01-01T00:00:00Z", ...rollout } };
  const creationTimestamp = "2026-01-01T00:00:00Z";
  return { metadata: { name, creationTimestamp }, spec: { ...content, ...more } };
}

type Reported = {
  readonly holds?: readonly { readonly name: string; readonly hash: string }[];
  readonly exceptions?: readonly object[];
};

/** Pod shop/web on a node that reported `holds`; without `reported` it never has. */
function facts(object: KubeObject, reported?: Reported): PodFacts {
  const { holds = [], exceptions = [] } = reported ?? {};
  const status = reported && { digest: nodeDigest(holds), exceptions };
  const managedFields = [{ subresource: "status", time: "2026-02-01T00:00:00Z" }];
  return {
    pod: parsePod({
      metadata: { namespace: "shop", name: "web", uid: "1", labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: "i" }] },
      status: { phase: "Running" },
    })!,
    node: "n",
    nodeObject: {
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    },
    nodePolicySet: { metadata: { name: "n", managedFields }, spec: { sets: [name] }, status },
    selectorSets: [object],
    isAgent: false,
  };
}

const explain = (one: PodFacts) => reportPod(one, { others: false });
const shown = (one: PodFacts) =>
  explain(one).policies.map(({ mode, version, inForce, state }) => [mode, version, inForce, state]);
const failed = {
  ...{ set: name, hash: newer.hash, state: "failed", reason: "LoadFailed", message: "no" },
};

describe("explain shows what the pod's node holds now", () => {
  test("the version before, of a policy whose wave has not come", () => {
    const object = anObject(newer, { share: 0, previous: before });
    const here = facts(object, { holds: [{ name, hash: before.hash }] });
    assert.deepEqual(shown(here), [["monitor", "current", "yes", "waiting"]]);
    assert.equal(explain(here).policies[0]?.message, "its wave of the roll-out has not come");
  });

  test("nothing of a new policy whose wave has not come", () => {
    const object = anObject(hashed(aSet(everyPod)), { share: 0 });
    const report = reportPod(facts(object, { holds: [{ name, hash: hashSets([]) }] }), {
      others: true,
    });
    assert.deepEqual(report.policies, []);
    assert.deepEqual(report.others, [
      { policy: "TracingPolicy/p", why: "its wave of the roll-out has not come" },
    ]);
    assert.equal(anyHolds(report), "no");
  });

  test("the version before, on a node that failed the new one", () => {
    const object = anObject(newer, { share: everybody, previous: before });
    const exceptions = [{ ...failed, holds: before.hash }];
    const here = facts(object, { holds: [{ name, hash: before.hash }], exceptions });
    assert.deepEqual(shown(here), [["monitor", "before", "yes", "failed"]]);
    assert.equal(explain(here).policies[0]?.message, "LoadFailed: no");
    assert.equal(anyHolds(explain(here)), "yes");
  });

  test("both versions, when the new one that failed would hold for the pod too", () => {
    const wider = hashed(aSet(everyPod));
    const object = anObject(wider, { share: everybody, previous: before });
    const exceptions = [{ ...failed, hash: wider.hash, holds: before.hash }];
    const here = facts(object, { holds: [{ name, hash: before.hash }], exceptions });
    assert.deepEqual(shown(here), [
      ["monitor", "before", "yes", "failed"],
      ["enforce", "current", "no", "failed"],
    ]);
  });

  test("the version before, when the node's report is older than its wave", () => {
    const object = anObject(newer, { share: everybody, previous: before });
    const here = facts(object, { holds: [{ name, hash: before.hash }] });
    assert.deepEqual(shown(here), [["monitor", "before", "yes", "pending"]]);
  });

  test("the newest, when the node's report is older than the roll-out's undoing", () => {
    const object = anObject(hashed(aSet(everyPod)), { share: 0, previous: newer });
    const here = facts(object, { holds: [{ name, hash: hashSets([aSet(everyPod)]) }] });
    assert.deepEqual(shown(here), [["enforce", "before", "yes", "pending"]]);
  });

  test("a trial in monitor mode as what it is", () => {
    const object = anObject(hashed(aSet(everyPod, "monitor")));
    const holds = [{ name, hash: hashSets([aSet(everyPod, "monitor")]) }];
    assert.deepEqual(shown(facts(object, { holds })), [
      ["monitor", "current", "yes", "programmed"],
    ]);
  });

  test("nothing of a policy that was made after the node's report", () => {
    const object = anObject(hashed(aSet(everyPod)));
    const created = { ...object.metadata, creationTimestamp: "2026-02-01T00:00:01Z" };
    const here = facts({ ...object, metadata: created }, { holds: [] });
    assert.deepEqual(shown(here), [["enforce", "current", "no", "pending"]]);
    assert.equal(anyHolds(explain(here)), "no");
  });
});

describe("explain says so when it cannot be told what the node holds", () => {
  test("a digest of something else: every version that is stored may be in force", () => {
    const object = anObject(newer, { share: everybody, previous: before });
    const here = facts(object, { holds: [{ name, hash: "of an earlier edit" }] });
    assert.deepEqual(shown(here), [["monitor", "before", "unknown", "pending"]]);
    assert.equal(anyHolds(explain(here)), "unknown");
    assert.match(explain(here).notes[0] ?? "", /^what node n holds is not known until it reports/);
  });

  test("a failed edit, whose version before is stored nowhere", () => {
    const exceptions = [{ ...failed, holds: "abc" }];
    const here = facts(anObject(newer), { holds: [{ name, hash: "abc" }], exceptions });
    assert.deepEqual(shown(here), []);
    assert.deepEqual(explain(here).notes, [
      `${name}: the node still holds version abc, which is stored nowhere any more`,
    ]);
    assert.equal(anyHolds(explain(here)), "unknown");
  });

  test("a node that has never reported, and one without a NodePolicySet", () => {
    const here = facts(anObject(hashed(aSet(everyPod))));
    assert.deepEqual(shown(here), [["enforce", "current", "unknown", "pending"]]);
    const untold = { ...here, nodePolicySet: undefined };
    assert.equal(anyHolds(explain(untold)), "unknown");
  });

  test("a content that no agent takes", () => {
    const edited = anObject({ ...newer, hash: before.hash });
    const here = facts(edited, { holds: [{ name, hash: before.hash }] });
    assert.match(explain(here).notes.join("\n"), /the node cannot hold what is stored: spec\.hash/);
    assert.equal(anyHolds(explain(here)), "unknown");
  });
});
