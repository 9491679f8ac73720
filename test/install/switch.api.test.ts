import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { type ApiServer, startApiServer } from "../../kube/testing/api-server.ts";
import {
  helm,
  kubectl,
  outputOf,
  root,
  runProgram,
  templateArgs,
  whyNotBuilt,
} from "./lab-programs.ts";

const page = readFileSync(join(root, "docs/how-to/switch-from-tetragon.md"), "utf8");
const name = "tracingpolicies.cilium.io";

/** As Tetragon's operator makes it, in what matters here: its names, its label, no status. */
const theirs = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name, labels: { "cilium.io.k8s.crd.schema.version": "1.8.13" } },
  spec: {
    group: "cilium.io",
    scope: "Cluster",
    names: { kind: "TracingPolicy", plural: "tracingpolicies", singular: "tracingpolicy" },
    versions: [
      {
        ...{ name: "v1alpha1", served: true, storage: true },
        schema: {
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    ],
  },
};
const policy = {
  apiVersion: "cilium.io/v1alpha1",
  kind: "TracingPolicy",
  metadata: { name: "watch-writes" },
  spec: { kprobes: [{ call: "sys_write", syscall: true }] },
};

describe("docs/how-to/switch-from-tetragon.md", { skip: whyNotBuilt("kubernetes", "etcd") }, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api?.stop());

  const to = () => ["--server", api.url.href, "--token", api.token, "--insecure-skip-tls-verify"];
  const create = (object: object) =>
    outputOf(
      kubectl,
      [...to(), "create", "--field-manager=tetragon-operator-generic", "-f", "-"],
      JSON.stringify(object),
    );

  test("the CRDs of Tetragon's operator are taken over, and its policies stay", () => {
    create(theirs);
    outputOf(kubectl, [...to(), "wait", "--for=condition=Established", `crd/${name}`]);
    create(policy);
    const command = /^\$ kubectl (apply .*--force-conflicts.*)$/m.exec(page)?.[1];
    assert.ok(command !== undefined);
    const args = command.split(" ").map((word) => word.replace(/^(crds|config)/, `${root}/$1`));
    const without = args.filter((word) => word !== "--force-conflicts");
    assert.match(runProgram(kubectl, [...to(), ...without]).stderr, /conflict/);
    outputOf(kubectl, [...to(), ...args]);
    const listed = outputOf(kubectl, [...to(), "get", "tracingpolicies"]);
    assert.match(listed, /^NAME +.*READY/);
    assert.match(listed, /^watch-writes /m);
  });
});

test("the values on the page are values of the chart", { skip: whyNotBuilt("helm") }, () => {
  const { agent } = parse(/^```yaml\n([\s\S]*?)^```$/m.exec(page)![1]!);
  outputOf(helm, templateArgs([`agent.flags=${JSON.stringify(agent.flags)}`]));
});
