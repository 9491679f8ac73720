import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ApiServer, startApiServer } from "../../kube/testing/api-server.ts";
import { eventually } from "../../operator/testing/test-cluster.ts";
import { chart, helm, kubectl, outputOf, renderChart, whyNotBuilt } from "./lab-programs.ts";

const skip = whyNotBuilt("helm", "kubernetes", "etcd");

/**
 * No controller runs here: what Helm does to the API is what is tested, not the pods. The Job that
 * an uninstall begins with runs in test/e2e/lifecycle.
 */
describe("a release of the chart", { skip }, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
    kube("create", "namespace", "guardbee-system");
  });
  after(() => api?.stop());

  function kube(...args: readonly string[]): string {
    const to = ["--server", api.url.href, "--token", api.token, "--insecure-skip-tls-verify"];
    return outputOf(kubectl, [...to, ...args]);
  }

  function release(verb: "install" | "upgrade" | "uninstall", ...more: readonly string[]): string {
    const to = ["--kube-apiserver", api.url.href, "--kube-token", api.token];
    const from = verb === "uninstall" ? ["--no-hooks"] : [chart];
    const common = ["--namespace", "guardbee-system", "--kube-insecure-skip-tls-verify"];
    return outputOf(helm, [verb, "guardbee", ...from, ...to, ...common, ...more]);
  }

  /** `kind/name` of all that is ours, CRDs and Helm's own Secret apart. */
  function objects(): readonly string[] {
    const kinds = new Set(renderChart("crds.install=false").map(({ kind }) => kind.toLowerCase()));
    const listed = kube("get", [...kinds].join(), "--all-namespaces", "--output", "name");
    return listed.split("\n").filter((name) => /\/guardbee/.test(name));
  }

  function crds(): readonly string[] {
    const path = "jsonpath={.items[*].metadata.name}";
    const listed = kube("get", "customresourcedefinitions", "--output", path);
    return listed.split(" ").filter((name) => name !== "");
  }

  test("says what to look at, and that the namespace does not allow the agent yet", () => {
    const notes = release("install");
    assert.match(notes, /kubectl -n guardbee-system rollout status daemonset\/guardbee-agent/);
    const label =
      "kubectl label namespace guardbee-system pod-security.kubernetes.io/enforce=privileged";
    assert.ok(notes.includes(label), notes);
    assert.match(notes, /operator\.replicas=2 keeps a second one ready/);
    assert.equal(objects().length, renderChart("crds.install=false").length);
    assert.equal(crds().length, 8);
    kube(...label.split(" ").slice(1));
  });

  test("an upgrade keeps the webhook's certificates, and has less to say", () => {
    const name = "validatingwebhookconfiguration/guardbee";
    const caBundle = certificate.toString("base64");
    const ours = [{ name: "policies.guardbee.io", clientConfig: { caBundle } }];
    kube("patch", name, "--field-manager=guardbee-operator", "--patch", body({ webhooks: ours }));
    const data = { "tls.crt": caBundle };
    kube("-n", "guardbee-system", "patch", "secret/guardbee-webhook", "--patch", body({ data }));

    const notes = release("upgrade", "--set", "operator.replicas=2");
    assert.equal(notes.includes("label namespace"), false);
    assert.equal(notes.includes("operator.replicas=2"), false);
    const read = (what: string, path: string) =>
      kube("-n", "guardbee-system", "get", what, "--output", `jsonpath={${path}}`);
    assert.equal(read("deployment/guardbee-operator", ".spec.replicas"), "2");
    assert.equal(read(name, ".webhooks[0].clientConfig.caBundle"), caBundle);
    assert.equal(read("secret/guardbee-webhook", ".data.tls\\.crt"), caBundle);
  });

  test("uninstalled, it leaves the CRDs, and nothing else", () => {
    release("uninstall");
    assert.deepEqual(objects(), []);
    assert.equal(crds().length, 8);
  });

  test("with crds.keep=false it takes over the CRDs, and removes them too", async () => {
    release("install", "--set", "crds.keep=false");
    // kube-apiserver 1.37 may never finish deleting a CRD whose storage has begun seconds ago
    // ("storage is (re)initializing"); a list waits until it has.
    kube("get", crds().join(), "--all-namespaces");
    release("uninstall"); // with --wait, helm sometimes waits for what is gone already
    assert.deepEqual(objects(), []);
    await eventually("CRDs", async () => crds().length, 0);
  });
});

function body(patch: object): string {
  return JSON.stringify(patch);
}

/** Of a CA, valid until 2126; its key was never kept. */
const certificate = readFileSync(join(import.meta.dirname, "testdata/ca.pem"));
