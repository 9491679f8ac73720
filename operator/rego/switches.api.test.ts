import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import pino from "pino";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, TestCluster } from "../testing/test-cluster.ts";
import { guardRailsConfigMap } from "./switches.ts";

const tracingPolicy = resourceOf("TracingPolicy");
const metadata = { name: guardRailsConfigMap, namespace: "guardbee-system" };
/** Of the cluster and without a condition: three of the guard rails have to do with it. */
const killsAll = {
  metadata: { name: "kills-all" },
  spec: {
    kprobes: [
      {
        ...{ call: "fd_install", syscall: false, args: [{ index: 0, type: "int" }] },
        selectors: [{ matchActions: [{ action: "Sigkill" }] }],
      },
    ],
  },
};

describe("guard rails are switched by a ConfigMap", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.startOperator({ log: pino({ level: "warn" }, stream) });
  });
  after(() => cluster?.stop());

  const write = (data: Record<string, string>) =>
    cluster.apply(resources.configMap, { metadata, data });
  const warnings = () =>
    lines.flatMap((line) => (JSON.parse(line) as { problem?: string }).problem ?? []);

  test("off and on again without a restart, and what makes no sense is said", async () => {
    await write({ "cluster-wide": "off", "host-protections": "disabled" });
    await cluster.apply(tracingPolicy, killsAll);
    const refused = await cluster.accepted(tracingPolicy, "kills-all", "False Refused");
    assert.deepEqual(
      refused.guardRails?.map(({ name, effect }) => `${effect} by ${name}`),
      [
        "refused by builtin/cluster-wide",
        "refused by builtin/host-protection",
        "warned by builtin/system-namespaces",
      ],
    );
    assert.deepEqual(warnings(), [
      'ConfigMap guardbee-system/guardbee-guard-rails: data[cluster-wide]: is "off", so the guard rail stays on; write enabled or disabled',
      "ConfigMap guardbee-system/guardbee-guard-rails: data[host-protections]: is no built-in guard rail; there are cluster-wide, host-protection, namespace-rights, system-namespaces",
    ]);
    await write({ "cluster-wide": "disabled", "host-protection": "disabled" });
    const accepted = await cluster.accepted(tracingPolicy, "kills-all", "True Accepted");
    assert.deepEqual(
      accepted.guardRails?.map(({ name, effect }) => `${effect} by ${name}`),
      ["warned by builtin/system-namespaces"],
    );
    await eventually(
      "its set",
      () => cluster.sets("tracingpolicy.kills-all"),
      (sets) => sets?.length === 1,
    );
    // A new operator knows it before it judges: nothing that is in force is refused meanwhile.
    await cluster.stopOperator();
    await cluster.startOperator({ log: pino({ level: "warn" }, stream) });
    await write({ "cluster-wide": "disabled", "host-protection": "disabled", more: "x" });
    await eventually(
      "the new operator reads it",
      async () => warnings().at(-1) ?? "",
      (last) => last.includes("data[more]: is no built-in guard rail"),
    );
    const { conditions } = await cluster.status(tracingPolicy, "kills-all");
    const found = conditions?.find(({ type }) => type === "Accepted");
    const before = accepted.conditions?.find(({ type }) => type === "Accepted");
    assert.deepEqual(found, before);
    await cluster.delete(resources.configMap, metadata.name, metadata.namespace);
    await cluster.accepted(tracingPolicy, "kills-all", "False Refused");
    await cluster.delete(tracingPolicy, "kills-all");
  });

  test("the flag switches off whatever the ConfigMap says", async () => {
    await cluster.stopOperator();
    await write({ "cluster-wide": "enabled", "host-protection": "disabled" });
    await cluster.startOperator({ disabledGuardRails: ["cluster-wide"] });
    await cluster.apply(tracingPolicy, killsAll);
    await cluster.accepted(tracingPolicy, "kills-all", "True Accepted");
    await cluster.delete(tracingPolicy, "kills-all");
  });
});
