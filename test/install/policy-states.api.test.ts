import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import { parse } from "yaml";
import type { TestCluster } from "../../operator/testing/test-cluster.ts";
import { kubectl, outputOf, programPath, runProgram, whyNotBuilt } from "./lab-programs.ts";
import {
  captureStates,
  type StateName,
  type States,
  stateNames,
  testdataPath,
} from "./policy-states.ts";
import { subjects } from "./policy-subjects.ts";

/** How kstatus, and with it Flux, is to read each state. */
const wanted: Readonly<Record<StateName, string>> = {
  progressing_new: "InProgress",
  progressing_nodesPending: "InProgress",
  degraded_oneNodeOfTwo: "InProgress",
  degraded_nodesFailed: "Failed",
  healthy: "Current",
  progressing_edited: "InProgress",
  degraded_refused: "Failed",
  progressing_deleting: "Terminating",
};

const kinds = subjects.map(({ resource }) => resource.kind);
const skip = whyNotBuilt("etcd", "kubernetes", "opa", "kstatus");

describe("the states of policies, written by the operator", { skip }, () => {
  let states: States;
  const ready: Partial<Record<StateName, readonly string[]>> = {};
  /** `kubectl wait` of one policy from `nodesPending` on, and how it was when each state came. */
  let waiting: ChildProcess;
  const returned: Partial<Record<StateName, boolean>> = {};

  before(async () => {
    states = await captureStates((cluster) => async (state, objects) => {
      ready[state] = objects.filter((object) => isReadyNow(cluster, object)).map(kindOf);
      if (state === "progressing_nodesPending") {
        const args = [...access(cluster), "wait", "--for=condition=Ready", "--timeout=120s"];
        waiting = spawn(programPath(kubectl), [...args, "tracingpolicy/web"], { stdio: "ignore" });
      }
      if (state === "healthy" && waiting.exitCode === null) await once(waiting, "exit");
      returned[state] = waiting?.exitCode === 0;
    });
  });

  for (const state of stateNames) {
    test(`kstatus reads ${state} as ${wanted[state]}, in every kind`, () => {
      const lines = states[state].map((object) => `${JSON.stringify(object)}\n`).join("");
      const answers = outputOf(["kstatus", "kstatus"], [], lines).trim().split("\n");
      const read = answers.map((line) => (JSON.parse(line) as { status: string }).status);
      assert.deepEqual(
        kinds.map((kind, at) => `${kind} ${read[at]}`),
        kinds.map((kind) => `${kind} ${wanted[state]}`),
      );
    });
  }

  test("kubectl wait --for=condition=Ready finds it in healthy policies alone", () => {
    const nothing = Object.fromEntries(stateNames.map((state) => [state, []]));
    assert.deepEqual(ready, { ...nothing, healthy: kinds });
  });

  test("kubectl wait returns when the policy becomes healthy, and not before", () => {
    const before = stateNames.slice(0, stateNames.indexOf("healthy"));
    assert.deepEqual(
      before.map((state) => returned[state]),
      before.map(() => false),
    );
    assert.equal(returned.healthy, true);
  });

  test("the testdata of config/argocd is what the operator writes", () => {
    for (const state of stateNames) {
      for (const object of states[state]) {
        const path = testdataPath(object, state);
        const advice = `${path}: has drifted; node test/install/policy-states.ts writes it again`;
        assert.deepEqual(parse(readFileSync(path, "utf8")), object, advice);
      }
    }
  });
});

function kindOf(object: KubeObject): string {
  return object.kind!;
}

/** Asked once, without waiting. */
function isReadyNow(cluster: TestCluster, { kind, metadata }: KubeObject): boolean {
  const namespace = metadata.namespace === undefined ? [] : ["--namespace", metadata.namespace];
  const wait = ["wait", "--for=condition=Ready", "--timeout=0", `${kind}/${metadata.name}`];
  const { code, stderr } = runProgram(kubectl, [...access(cluster), ...namespace, ...wait]);
  assert.match(stderr, /^(|error: condition not met for .*\n)$/);
  return code === 0;
}

function access({ access: { server, token } }: TestCluster): readonly string[] {
  return ["--server", server, "--token", token, "--insecure-skip-tls-verify"];
}
