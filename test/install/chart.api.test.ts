import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ApiServer, startApiServer } from "../../kube/testing/api-server.ts";
import {
  helm,
  kubectl,
  outputOf,
  parseManifests,
  runProgram,
  templateArgs,
  whyNotBuilt,
} from "./lab-programs.ts";

const skip = whyNotBuilt("helm", "kubernetes", "etcd");

describe("the chart before a real API server", { skip }, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
    outputOf(kubectl, [...access(), "create", "namespace", "guardbee-system"]);
  });
  after(() => api?.stop());

  function access(): readonly string[] {
    return ["--server", api.url.href, "--token", api.token, "--insecure-skip-tls-verify"];
  }

  const renderings: readonly { name: string; set: readonly string[] }[] = [
    { name: "as it is", set: [] },
    { name: "with the least", set: ["webhook.enabled=false", "agent.exportStdout.enabled=false"] },
    {
      name: "with every value set",
      set: [
        "namespace.create=true",
        "crds.keep=false",
        'image={"pullPolicy":"Always","pullSecrets":[{"name":"registry"}]}',
        'operator={"replicas":2,"logLevel":"debug","disableGuardRails":["cluster-wide"]}',
        'operator.image={"repository":"registry:5000/operator","tag":"1.2"}',
        'operator.resources={"limits":{"cpu":1,"memory":"1Gi","ephemeral-storage":"1Gi"}}',
        'operator.tolerations=[{"key":"a","operator":"Equal","value":"b","effect":"NoSchedule"}]',
        'webhook={"failurePolicy":"Fail","timeoutSeconds":30}',
        `agent.image.digest="sha256:${"a".repeat(64)}"`,
        'agent.nodeSelector={"pool":"a"}',
        "agent.maxUnavailable=3",
        'agent.priorityClassName="system-node-critical"',
        "networkPolicy.egressPorts=[443,7443]",
      ],
    },
  ];
  for (const { name, set } of renderings) {
    test(`${name}, its server-side dry run takes every object and warns of nothing`, () => {
      const rendered = outputOf(helm, templateArgs(set));
      const dry = ["apply", "--server-side", "--dry-run=server", "-f", "-"];
      const { code, stdout, stderr } = runProgram(kubectl, [...access(), ...dry], rendered);
      const count = stdout.trim().split("\n").length;
      assert.deepEqual(
        { code, stderr, count },
        { code: 0, stderr: "", count: parseManifests(rendered).length },
      );
    });
  }
});
