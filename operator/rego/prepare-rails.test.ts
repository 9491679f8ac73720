import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import pino from "pino";
import type { Fleet } from "../fleet/fleet.ts";
import { type PolicyEntry, projectPolicy } from "../fleet/objects.ts";
import { openSandboxes } from "../opa/sandboxes.ts";
import { inFairOrder } from "./prepare-rails.ts";
import { RegoPolicies, type RegoPoliciesOptions } from "./rego-policies.ts";

function aGuardRail(name: string, namespace?: string, role = "Guardrail"): PolicyEntry {
  const resource =
    namespace === undefined ? resourceOf("RegoPolicy") : resourceOf("RegoPolicyNamespaced");
  const rego = "package guardbee.guardrail\n\ndecision := {}\n";
  return projectPolicy(resource, {
    apiVersion: "guardbee.io/v1alpha1",
    kind: resource.kind,
    metadata: { name, uid: name, generation: 1, ...(namespace ? { namespace } : {}) },
    spec: { role, modules: [{ name: "a.rego", rego }] },
  });
}

test("guard rails of the cluster come first, then one of each namespace", () => {
  const entries = [
    ...["1", "2", "3"].map((name) => aGuardRail(`a${name}`, "a")),
    ...[aGuardRail("b1", "b"), aGuardRail("b2", "b"), aGuardRail("c")],
  ];
  const { first, inTurns } = inFairOrder(entries);
  const namesOf = (some: readonly PolicyEntry[]) => some.map(({ object }) => object.metadata.name);
  assert.deepEqual(namesOf(first), ["c"]);
  assert.deepEqual(namesOf(inTurns), ["a1", "b1", "a2", "b2", "a3"]);
});

test("guard rails of namespaces that have no end keep nobody from leading for over 10 s", async () => {
  const clock = new ManualClock();
  const log = pino({ level: "silent" });
  const sandboxes = openSandboxes({ clock, log });
  const entries = [aGuardRail("slow", "tenant"), aGuardRail("slow-too", "tenant"), aGuardRail("z")];
  const compiled: (string | undefined)[] = [];
  const fleet = {
    regoEntries: () => entries,
    policy: (name: string) => entries.find(({ setName }) => setName === name),
  } as unknown as Fleet;
  const rego = new RegoPolicies({
    ...({ fleet, clock, log, sandboxes } as unknown as RegoPoliciesOptions),
    compile: async (_sources, { owner }, signal) => {
      compiled.push(owner);
      if (owner !== undefined) await clock.sleep(3_600_000, signal);
      return { ok: true, module: new Uint8Array(), opaVersion: "1" };
    },
    guardsChanged: () => {},
  });
  const prepared = rego.prepareAll(new AbortController().signal);
  let ready = false;
  prepared.then(() => {
    ready = true;
  });
  await clock.advance(9_999);
  assert.deepEqual([compiled, ready], [[undefined, "tenant"], false]);
  await clock.advance(1);
  assert.equal(await prepared, false); // some are left
});

test("what a RegoPolicy of the cluster generates is judged anew for the cluster's guard rails alone", () => {
  const generators = [
    aGuardRail("all", undefined, "Generate"),
    aGuardRail("own", "shop", "Generate"),
  ];
  const fleet = { regoEntries: () => generators } as unknown as Fleet;
  const changed: (string | undefined)[] = [];
  const parts = { fleet, sandboxes: {}, clock: new ManualClock(), log: pino({ level: "silent" }) };
  const rego = new RegoPolicies({
    ...(parts as unknown as RegoPoliciesOptions),
    guardsChanged: (namespace) => changed.push(namespace),
  });
  const inputs = () => generators.map((entry) => rego.inputsOf(entry));
  const [all, own] = inputs();
  rego.bump("shop");
  assert.equal(inputs()[0], all);
  assert.notEqual(inputs()[1], own);
  rego.bump();
  assert.notEqual(inputs()[0], all);
  assert.deepEqual(changed, ["shop", undefined]);
});
