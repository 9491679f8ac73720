import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { getObject } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually } from "../../operator/testing/test-cluster.ts";
import { exit } from "../command.ts";
import { kubectlGuardbee, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";
import { aPolicy, startThreeNodes, type ThreeNodes } from "./testing/three-nodes.ts";

const never = new AbortController().signal;
const tracingPolicy = resourceOf("TracingPolicy");

describe("kubectl guardbee rollout", { skip: whyNoApiServer() }, () => {
  let three: ThreeNodes;
  before(async () => {
    three = await startThreeNodes();
    const policy = aPolicy("waves", "/etc/waves");
    const annotations = { "guardbee.io/rollout-waves": "1,100%" };
    await three.cluster.apply(tracingPolicy, {
      ...policy,
      metadata: { ...policy.metadata, annotations },
    });
    await eventually("its roll-out", async () => (await seen("waves")).rollout !== undefined, true);
  });
  after(() => three?.stop());

  async function rollout(...argv: string[]) {
    const { io, out, err } = anIo();
    const line = ["rollout", ...argv, "--kubeconfig", three.kubeconfig];
    const code = await runCli(line, io, kubectlGuardbee);
    return { code, out: out(), err: err() };
  }

  async function seen(name: string) {
    const found = await getObject(three.cluster.kube, tracingPolicy, { name }, never);
    const status = (found?.status ?? {}) as { readonly rollout?: { readonly state: string } };
    return { order: found?.metadata.annotations?.["guardbee.io/rollout"], ...status };
  }

  test("pause, undo and resume do what they say, which the status shows", async () => {
    for (const [argv, order, state, said] of [
      [["pause"], "pause", "Paused", "no further wave begins"],
      [["undo"], "undo", "Undone", "every node goes back to the version before"],
      [["resume", "--force"], "force", "Progressing", "goes on, whatever nodes say"],
      [["resume"], undefined, "Progressing", "goes on"],
    ] as const) {
      const { code, out, err } = await rollout(argv[0], "waves", ...argv.slice(1));
      assert.deepEqual({ code, err }, { code: exit.ok, err: "" });
      assert.equal(out, `TracingPolicy/waves: ${said}; see guardbee status waves\n`);
      assert.equal((await seen("waves")).order, order);
      await eventually(`state ${state}`, async () => (await seen("waves")).rollout?.state, state);
    }
  });

  test("status shows the roll-out", async () => {
    const { io, out } = anIo();
    await runCli(["status", "waves", "--kubeconfig", three.kubeconfig], io, kubectlGuardbee);
    assert.match(out(), /^Roll-out: +Progressing, wave 1 of 2$/m);
  });

  test("explain shows the version that the pod's node holds, before its wave and before its report", async () => {
    const { cluster, kubeconfig } = three;
    const setOf = async () =>
      getObject(cluster.kube, resourceOf("SelectorSet"), { name: "tracingpolicy.narrowed" }, never);
    await cluster.apply(tracingPolicy, aPolicy("narrowed", "/etc/narrowed"));
    const told = async () => {
      const lists = await cluster.list(resourceOf("NodePolicySet"));
      return lists.every(({ spec }) =>
        (spec as { sets: string[] }).sets.includes("tracingpolicy.narrowed"),
      );
    };
    await eventually("every node is told", told, true);
    for (const node of ["new", "old"]) await cluster.report(node);
    const narrower = { podSelector: { matchLabels: { app: "nothing" } } };
    const annotations = { "guardbee.io/rollout-waves": "1,100%" };
    await cluster.apply(
      tracingPolicy,
      aPolicy("narrowed", "/etc/narrowed", narrower, { annotations }),
    );
    const rolling = async () => (await setOf())?.spec as { rollout?: { previous?: object } };
    await eventually("a wave of it", async () => (await rolling()).rollout?.previous, Boolean);
    for (const pod of ["web-1", "db-1"]) {
      const { io, out } = anIo();
      const line = ["explain", pod, "-n", "shop", "-o", "json", "--kubeconfig", kubeconfig];
      assert.equal(await runCli(line, io, kubectlGuardbee), exit.ok);
      const { policies, unknown } = JSON.parse(out());
      const found = policies.filter((one: { name: string }) => one.name === "narrowed");
      assert.deepEqual([unknown, found.length], [false, 1], out());
      const { inForce, selector, version, state } = found[0];
      assert.deepEqual([inForce, selector], ["yes", "host processes, every pod"]);
      const stands = `${version} ${state}`;
      assert.ok(["current waiting", "before pending"].includes(stands), stands);
    }
  });

  test("without a roll-out there is nothing to do, and the message says what is", async () => {
    const { code, err } = await rollout("undo", "everywhere");
    assert.equal(code, exit.rejected);
    assert.equal(
      err,
      "guardbee: TracingPolicy/everywhere: no roll-out in waves is under way; to go back, apply the earlier version\n",
    );
    assert.equal((await rollout("stop", "waves")).code, exit.usage);
  });
});
