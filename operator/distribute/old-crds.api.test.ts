import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { applyObject, getObject, objectPath, type Resource } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, readYaml, TestCluster } from "../testing/test-cluster.ts";

const tracingPolicy = resourceOf("TracingPolicy");
const never = new AbortController().signal;
const crd: Resource = {
  ...{ group: "apiextensions.k8s.io", version: "v1" },
  ...{ kind: "CustomResourceDefinition", plural: "customresourcedefinitions", namespaced: false },
};
const name = "selectorsets.guardbee.io";

type Schema = { properties: Record<string, Schema>; required?: string[]; items: Schema };

function aPolicy(path: string): object {
  const spec = {
    kprobes: [
      {
        ...{ call: "fd_install", syscall: false, args: [{ index: 1, type: "file" }] },
        selectors: [
          {
            matchArgs: [{ index: 1, operator: "Prefix", values: [path] }],
            matchActions: [{ action: "Sigkill" }],
          },
        ],
      },
    ],
  };
  return { metadata: { name: "p" }, spec };
}

describe("CRDs that are older than the operator", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.startOperator();
  });
  after(() => cluster?.stop());

  /** The CRD of this checkout, or as it was before sets had `hooks`. */
  async function putCrd({ old }: { readonly old: boolean }): Promise<void> {
    const [object] = await readYaml(
      new URL("../../crds/guardbee.io_selectorsets.yaml", import.meta.url),
    );
    const { versions } = object!.spec as {
      versions: { schema: { openAPIV3Schema: Schema } }[];
    };
    const set = versions[0]!.schema.openAPIV3Schema.properties.spec!.properties.sets!.items;
    if (old) {
      delete set.properties.hooks;
      set.required = (set.required ?? []).filter((field) => field !== "hooks");
    }
    const { metadata } = (await getObject(cluster.kube, crd, { name }, never))!;
    const { resourceVersion } = metadata;
    const body = { ...object, metadata: { ...(object!.metadata as object), resourceVersion } };
    await cluster.kube.request({ method: "PUT", path: objectPath(crd, { name }), body }, never);
    // The server takes a while to serve a changed schema.
    await eventually("the schema is served", async () => takesHooks(), !old);
  }

  const takesHooks = () =>
    applyObject(
      cluster.kube,
      {
        resource: resourceOf("SelectorSet"),
        object: {
          metadata: { name: "probe" },
          spec: { hash: "x".repeat(64), sets: [{ hooks: [] }] },
        },
      },
      { fieldManager: "test" },
      never,
    ).then(
      () => true,
      (error: Error) => !error.message.includes("field not declared in schema"),
    );

  const conditions = async () =>
    Object.fromEntries(
      ((await cluster.status(tracingPolicy, "p")).conditions ?? []).map((one) => [
        one.type,
        `${one.status} ${one.reason}: ${one.message}`,
      ]),
    );
  const paths = async () =>
    JSON.stringify((await cluster.sets("tracingpolicy.p"))?.flatMap(({ hooks }) => hooks));

  test("the policy says what the API server says, what was before stays, and it is tried again", async () => {
    await cluster.apply(tracingPolicy, aPolicy("/before/"));
    await eventually("its set", paths, (text) => text?.includes("/before/") === true);
    await putCrd({ old: true });
    await cluster.apply(tracingPolicy, aPolicy("/after/"));
    const said = await eventually(
      "the refusal",
      conditions,
      ({ Ready }) => Ready?.startsWith("False DistributionFailed: ") === true,
    );
    assert.equal(said.Accepted, "True Accepted: the policy is valid");
    assert.match(
      said.Programmed!,
      /^False DistributionFailed: the API server refuses its SelectorSet, which is tried again: PATCH .*\.hooks: field not declared in schema; no node holds this policy$/,
    );
    assert.equal(said.Reconciling, said.Programmed!.replace("False", "True"));
    await putCrd({ old: false });
    assert.match((await paths())!, /\/before\//);
    await eventually("the new set", paths, (text) => text?.includes("/after/") === true);
    await eventually(
      "no refusal",
      conditions,
      ({ Ready }) =>
        Ready === "True NoNodes: no node matches its nodeSelector, so it is in force nowhere",
    );
  });
});
