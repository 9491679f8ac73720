import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { applyStatus, getObject, resources } from "@guardbee/kube";
import { nodeDigest, resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { TestCluster } from "../../operator/testing/test-cluster.ts";
import { exit } from "../command.ts";
import { kubectlGuardbee, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";
import { kubeconfigFor } from "./testing/three-nodes.ts";

const never = new AbortController().signal;
const { deployment, lease } = resources;
const nodePolicySet = resourceOf("NodePolicySet");
const selectorSet = resourceOf("SelectorSet");
const namespace = "guardbee-system";
const operator = { name: "guardbee-operator", namespace };

/** Agents are this test; no operator and no controller runs here. */
describe("kubectl guardbee uninstall", { skip: whyNoApiServer() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-uninstall-"));
  const kubeconfig = join(folder, "kubeconfig");
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start();
    writeFileSync(kubeconfig, kubeconfigFor(cluster.access));
    await cluster.addNode("on");
    await cluster.addNode("off", { ready: false });
    const template = {
      metadata: { labels: { "app.kubernetes.io/name": operator.name } },
      spec: { containers: [{ name: "operator", image: "guardbee/operator" }] },
    };
    const selector = { matchLabels: template.metadata.labels };
    const metadata = { ...operator, labels: template.metadata.labels };
    await cluster.apply(deployment, { metadata, spec: { replicas: 2, selector, template } });
    await cluster.apply(lease, { metadata: operator });
    await cluster.apply(selectorSet, {
      metadata: { name: "a" },
      spec: { hash: "1", sets: [] },
    });
    for (const name of ["on", "off"]) {
      await cluster.apply(nodePolicySet, { metadata: { name }, spec: { sets: ["a"] } });
    }
  });
  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true });
  });

  async function uninstall(...more: string[]) {
    const { io, out, err } = anIo();
    const line = ["uninstall", "--kubeconfig", kubeconfig, ...more];
    return { code: await runCli(line, io, kubectlGuardbee), out: out(), err: err() };
  }

  async function nodeSet(name: string) {
    return getObject(cluster.kube, nodePolicySet, { name }, never);
  }

  test("while a node that is Ready says nothing, it names it, and deletes nothing", async () => {
    const { code, err } = await uninstall("--timeout", "2s");
    assert.equal(code, exit.rejected);
    assert.match(err, /nodes still enforce policies, or do not say: on; give it more --timeout/);
    assert.deepEqual((await nodeSet("on"))?.spec, { sets: [], removal: true });
    const scaled = await getObject(cluster.kube, deployment, operator, never);
    assert.equal((scaled!.spec as { replicas: number }).replicas, 0);
    assert.notEqual(await getObject(cluster.kube, selectorSet, { name: "a" }, never), undefined);
  });

  test("once it does, what was generated is gone; a node that is not Ready is named", async () => {
    const { metadata } = (await nodeSet("on"))!;
    const status = { observedGeneration: metadata.generation, digest: nodeDigest([]) };
    const object = { metadata: { name: "on" }, status };
    const options = { fieldManager: "guardbee-agent", force: true };
    await applyStatus(cluster.kube, { resource: nodePolicySet, object }, options, never);
    const { code, out, err } = await uninstall();
    assert.deepEqual({ code, err }, { code: exit.ok, err: "" });
    assert.match(out, /^not Ready, and left as they are: off; there, run: rm -r \/sys\/fs\/bpf/m);
    assert.deepEqual(await cluster.list(nodePolicySet), []);
    assert.deepEqual(await cluster.list(selectorSet), []);
    assert.equal(await getObject(cluster.kube, lease, operator, never), undefined);
  });

  test("a wrong --timeout is a wrong call", async () => {
    assert.equal((await uninstall("--timeout", "soon")).code, exit.usage);
  });
});
