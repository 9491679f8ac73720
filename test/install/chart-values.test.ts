import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { chart, helm, runProgram, templateArgs, whyNotBuilt } from "./lab-programs.ts";

/** JSON, as --set-json takes it, and what Helm says of it. */
const refused: readonly { set: string; want: string }[] = [
  { set: "operatr={}", want: "at '': additional properties 'operatr' not allowed" },
  {
    set: "operator.replica=2",
    want: "at '/operator': additional properties 'replica' not allowed",
  },
  { set: "operator.replicas=0", want: "at '/operator/replicas': minimum: got 0, want 1" },
  { set: "operator.replicas=6", want: "at '/operator/replicas': maximum: got 6, want 5" },
  { set: 'operator.replicas="2"', want: "at '/operator/replicas': got string, want integer" },
  { set: "operator.replicas=1.5", want: "at '/operator/replicas': got number, want integer" },
  {
    set: 'operator.logLevel="loud"',
    want: "at '/operator/logLevel': value must be one of 'trace', 'debug', 'info', 'warn', 'error'",
  },
  {
    set: 'operator.disableGuardRails=["all"]',
    want: "at '/operator/disableGuardRails/0': value must be one of 'cluster-wide', 'host-protection', 'namespace-rights', 'system-namespaces'",
  },
  {
    set: 'operator.disableGuardRails="cluster-wide"',
    want: "at '/operator/disableGuardRails': got string, want array",
  },
  {
    set: 'operator.disableGuardRails=["cluster-wide","cluster-wide"]',
    want: "at '/operator/disableGuardRails': items at 0 and 1 are equal",
  },
  {
    set: 'operator.rollout.waves="1,10%"',
    want: "at '/operator/rollout/waves': '1,10%' does not match pattern '^(([1-9][0-9]{0,5}%?,)*100%)?$'",
  },
  {
    set: 'operator.rollout.interval="soon"',
    want: "at '/operator/rollout/interval': 'soon' does not match pattern '^([0-9]{1,6}[smh])?$'",
  },
  {
    set: 'podMonitor.interval="1 minute"',
    want: "at '/podMonitor/interval': '1 minute' does not match pattern '^[0-9]+(ms|s|m|h)$'",
  },
  {
    set: 'operator.image.digest="latest"',
    want: "at '/operator/image/digest': 'latest' does not match pattern '^(sha256:[0-9a-f]{64})?$'",
  },
  {
    set: 'operator.image.tag="a b"',
    want: "at '/operator/image/tag': 'a b' does not match pattern '^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$'",
  },
  { set: "operator.image.tag=1.2", want: "at '/operator/image/tag': got number, want string" },
  {
    set: 'agent.image.repository="https://registry/agent/"',
    want: "at '/agent/image/repository': 'https://registry/agent/' does not match pattern '^([a-z0-9-]+([.][a-z0-9-]+)+(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5})/[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$'",
  },
  {
    // Without a registry's name it is somebody's on docker.io.
    set: 'agent.image.repository="guardbee/agent"',
    want: "at '/agent/image/repository': 'guardbee/agent' does not match pattern '^([a-z0-9-]+([.][a-z0-9-]+)+(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5})/[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$'",
  },
  {
    set: 'operator.proxy.https="proxy:3128"',
    want: "at '/operator/proxy/https': 'proxy:3128' does not match pattern '^(https?://[^ ]+)?$'",
  },
  {
    set: 'agent.image="guardbee/agent:1"',
    want: "at '/agent/image': got string, want object",
  },
  {
    set: 'agent.maxUnavailable="0%"',
    want: "at '/agent/maxUnavailable': '0%' does not match pattern '^([1-9][0-9]?|100)%$'",
  },
  { set: "agent.healthPort=0", want: "at '/agent/healthPort': minimum: got 0, want 1" },
  { set: "agent.maxUnavailable=0", want: "at '/agent/maxUnavailable': minimum: got 0, want 1" },
  {
    set: 'agent.resources.requests.memory="150MB"',
    want: "at '/agent/resources/requests/memory': '150MB' does not match pattern '^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$'",
  },
  {
    set: 'agent.resources.request={"cpu":1}',
    want: "at '/agent/resources': additional properties 'request' not allowed",
  },
  {
    set: 'agent.tolerations=[{"effect":"Never"}]',
    want: "at '/agent/tolerations/0/effect': value must be one of 'NoSchedule', 'PreferNoSchedule', 'NoExecute'",
  },
  {
    set: 'agent.nodeSelector={"gpu":true}',
    want: "at '/agent/nodeSelector/gpu': got boolean, want string",
  },
  {
    set: 'agent.exportStdout.enabled="no"',
    want: "at '/agent/exportStdout/enabled': got string, want boolean",
  },
  {
    set: 'image.pullPolicy="Sometimes"',
    want: "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
  },
  {
    set: 'image.pullSecrets=["registry"]',
    want: "at '/image/pullSecrets/0': got string, want object",
  },
  { set: "image.pullSecrets=[{}]", want: "at '/image/pullSecrets/0': missing property 'name'" },
  {
    set: 'webhook.failurePolicy="Warn"',
    want: "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'",
  },
  {
    set: "webhook.timeoutSeconds=31",
    want: "at '/webhook/timeoutSeconds': maximum: got 31, want 30",
  },
  {
    set: "networkPolicy.egressPorts=[0]",
    want: "at '/networkPolicy/egressPorts/0': minimum: got 0, want 1",
  },
  {
    set: "networkPolicy.egressPorts=[]",
    want: "at '/networkPolicy/egressPorts': minItems: got 0, want 1",
  },
  { set: 'crds.keep="yes"', want: "at '/crds/keep': got string, want boolean" },
  { set: "namespace.create=1", want: "at '/namespace/create': got number, want boolean" },
];

describe("the chart's values.schema.json", { skip: whyNotBuilt("helm") }, () => {
  for (const { set, want } of refused) {
    test(`refuses ${set}`, () => {
      const { code, stderr } = runProgram(helm, templateArgs([set]));
      const said = stderr.split("\n").filter((line) => line.startsWith("- "));
      assert.deepEqual({ code, said }, { code: 1, said: [`- ${want}`] });
    });
  }

  for (const path of leaves(parse(readFileSync(join(chart, "values.yaml"), "utf8")))) {
    test(`refuses an object as ${path}`, () => {
      const { code, stderr } = runProgram(helm, templateArgs([`${path}={"x":{}}`]));
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`- at '/${path.replaceAll(".", "/")}`));
    });
  }

  for (const namespace of ["default", "kube-system"]) {
    test(`the namespace ${namespace} is refused`, () => {
      const args = templateArgs().map((arg) => (arg === "guardbee-system" ? namespace : arg));
      const { code, stderr } = runProgram(helm, args);
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`namespace ${namespace}: Guardbee needs one of its own.*use -n guardbee-system`),
      );
    });
  }

  test("a cluster older than Kubernetes 1.32 is refused, 1.32 is not", () => {
    const at = (version: string) =>
      runProgram(helm, [...templateArgs(), "--kube-version", version]);
    assert.match(
      at("1.31.9").stderr,
      /requires kubeVersion: >=1\.32\.0-0 which is incompatible with Kubernetes v1\.31\.9/,
    );
    assert.equal(at("1.32.0").code, 0);
  });
});

/** Dotted paths of all that is no object, and of nodeSelector, whose keys are the user's. */
function leaves(values: object, at = ""): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = at === "" ? key : `${at}.${key}`;
    const inner = typeof value === "object" && !Array.isArray(value) && key !== "nodeSelector";
    return inner ? leaves(value, path) : [path];
  });
}
