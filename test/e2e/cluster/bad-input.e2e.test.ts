import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../build/root.ts";
import { guardbee, manifests, systemNamespace } from "../guardbee.ts";
import { kubectl, kubectlOutput } from "../lab/cluster/kubectl.ts";
import { openFleet, pilotOn, waitTimeout } from "./fleet.ts";
import { conditionOf, deletePolicy, policyBecomes, policyReady } from "./policies.ts";
import { writeIn } from "./writes.ts";

await openFleet();
const restartsBefore = await restarts();

const noSuchFunction = join(manifests, "bad/no-such-function.yaml");
const twoNamespaces = join(manifests, "two-namespaces.yaml");
const manyValues = join(tmpdir(), `guardbee-e2e-${process.pid}.yaml`);
writeFileSync(manyValues, deniedPaths(10_000));
// Nodes take their time: they are at it while the API server and the operator are asked. The operator has
// no more to do meanwhile: in an emulated machine it takes half of the 5 s in which it must answer.
await kubectlOutput(["apply", "-f", noSuchFunction, "-f", twoNamespaces]);

type Bad = {
  readonly name: string;
  readonly file: string;
  /** What `policy check` says, after the file's name. */
  readonly check: string;
  /** In the API server's answer to kubectl: by the schema, or by the operator's webhook. */
  readonly refusal: RegExp;
  readonly by: "the API server" | "the operator";
};

const bad: readonly Bad[] = [
  {
    name: "an unknown operator",
    file: "unknown-operator",
    check:
      '15: spec.kprobes[0].selectors[0].matchArgs[0].operator: is "Equals"; did you mean Equal? allowed: Equal, NotEqual, Prefix,',
    refusal:
      /^\* spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs\[0\]\.operator: Unsupported value: "Equals": supported values: "Equal", "NotEqual", "Prefix",/m,
    by: "the API server",
  },
  {
    name: "an unknown argument type",
    file: "unknown-argument-type",
    check: '11: spec.kprobes[0].args[0].type: is "integer"; allowed: auto, int, sint8,',
    refusal:
      /^\* spec\.kprobes\[0\]\.args\[0\]\.type: Unsupported value: "integer": supported values: "auto", "int", "sint8",/m,
    by: "the API server",
  },
  {
    name: "a selector with an unknown operator",
    file: "malformed-selector",
    check:
      '9: spec.podSelector.matchExpressions[0].operator: is "Is"; did you mean In? allowed: In, NotIn, Exists, DoesNotExist\n',
    refusal:
      /^\* spec\.podSelector\.matchExpressions\[0\]\.operator: Unsupported value: "Is": supported values: "In", "NotIn", "Exists", "DoesNotExist"$/m,
    by: "the API server",
  },
  {
    name: "a selector with text for a number",
    file: "malformed-selector",
    check:
      '19: spec.kprobes[0].selectors[0].matchPIDs[0].values[0]: is the text "one"; write a whole number, without quotes\n',
    refusal: /matchPIDs\[0\]\.values\[0\] in body must be of type integer: "string"$/m,
    by: "the API server",
  },
  {
    name: "an index out of range",
    file: "index-out-of-range",
    check:
      "10: spec.kprobes[0].args[0].index: 7 is out of range; 0 to 4: a call passes at most 5 arguments in registers\n",
    refusal:
      /denied the request: spec\.kprobes\[0\]\.args\[0\]\.index: 7 is out of range; 0 to 4: /,
    by: "the operator",
  },
  {
    name: "a system call that no kernel has",
    file: "no-such-system-call",
    check:
      '7: spec.kprobes[0].call: no system call is named "sys_wriite"; did you mean sys_write? for a kernel function set syscall: false (true is the default)\n',
    refusal:
      /denied the request: spec\.kprobes\[0\]\.call: no system call is named "sys_wriite"; did you mean sys_write\?/,
    by: "the operator",
  },
  {
    name: "empty kprobes",
    file: "empty-kprobes",
    check:
      "6: spec.kprobes: is empty: there is nothing to hook; add an entry to kprobes or fentries or tracepoints or lsmhooks or uprobes or usdts\n",
    refusal:
      /denied the request: spec\.kprobes: is empty: there is nothing to hook; add an entry to kprobes or fentries or tracepoints or lsmhooks or uprobes or usdts$/m,
    by: "the operator",
  },
];

for (const { name, file, check, refusal, by } of bad) {
  const path = relative(repositoryRoot, join(manifests, "bad", `${file}.yaml`));

  test(`policy check names file, line and field of ${name}`, async () => {
    const { exitCode, stdout } = await guardbee(["policy", "check", path]);
    assert.equal(exitCode, 1);
    assert.ok(stdout.includes(`${path}:${check}`), stdout);
  });

  test(`${by} says what is wrong with ${name}`, async () => {
    const { exitCode, stderr } = await kubectl(["apply", "-f", path]);
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, refusal);
  });
}

test("a function that no kernel has is said by every kernel of the fleet", async () => {
  const name = "bad-no-such-function";
  const { status } = await policyBecomes(
    `tracingpolicy/${name}`,
    "refused by all nodes",
    (policy) => policy.status?.nodes?.failed === 2,
  );
  const message =
    "no_such_function: this kernel has no such function; check the call's name and syscall";
  assert.deepEqual(
    status?.failures?.map((each) => [each.reason, each.message, each.nodes]),
    [
      ["HookNotFound", message, ["node-1"]],
      ["HookNotFound", message, ["node-3"]],
    ],
  );
  await deletePolicy(`tracingpolicy/${name}`);
});

test("two policies of one name in two namespaces are two policies", async () => {
  const { exitCode, stderr } = await guardbee(["policy", "check", twoNamespaces]);
  assert.deepEqual(
    [exitCode, stderr],
    [0, "2 ok, 0 not supported yet, 0 invalid, 2 not checked\n"],
  );
  for (const namespace of ["left", "right"]) {
    const args = ["wait", "--for=condition=Ready", waitTimeout, "-n", namespace];
    await kubectlOutput([...args, "tracingpoliciesnamespaced/same-name"]);
  }
  const sets = await kubectlOutput(["get", "selectorsets", "-o", "name"]);
  assert.deepEqual(
    sets.split("\n").filter((line) => line.includes("same-name")),
    ["left", "right"].map(
      (ns) => `selectorset.guardbee.io/tracingpolicynamespaced.${ns}.same-name`,
    ),
  );
  await kubectlOutput(["delete", "-f", twoNamespaces]);
});

test("10,000 values are no limit: the last of them is enforced as the first", async () => {
  assert.equal((await guardbee(["policy", "check", manyValues])).exitCode, 0);
  await kubectlOutput(["apply", "-f", manyValues]);
  const policy = await policyReady("tracingpolicy/many-values");
  assert.equal(conditionOf(policy, "Ready")?.message, "in force on 2 of 2 nodes");
  const pod = pilotOn("node-1");
  for (const [path, wanted] of [
    ["/tmp/denied-0", "killed"],
    ["/tmp/denied-9999", "killed"],
    ["/tmp/denied-10000", "allowed"],
  ] as const) {
    assert.equal(await writeIn(pod, path), wanted, path);
  }
  await deletePolicy("tracingpolicy/many-values");
});

test("operator and agents ran through all of it without a restart", async () => {
  assert.deepEqual(await restarts(), restartsBefore);
});

/** Restarts by container of the operator and the agents. */
async function restarts(): Promise<readonly string[]> {
  const path = `{range .items[*]}{.metadata.name}{range .status.containerStatuses[*]} {.name}={.restartCount}{end}{"\\n"}{end}`;
  const args = ["-n", systemNamespace, "get", "pods", "-o", `jsonpath=${path}`];
  return (await kubectlOutput(args)).trim().split("\n");
}

function deniedPaths(count: number): string {
  const values = Array.from({ length: count }, (_, at) => `        - /tmp/denied-${at}\n`).join("");
  return `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: many-values
spec:
  podSelector:
    matchLabels:
      guardbee-test: "true"
  kprobes:
  - call: fd_install
    syscall: false
    args:
    - index: 1
      type: file
    selectors:
    - matchArgs:
      - index: 1
        operator: Equal
        values:
${values}      matchActions:
      - action: Sigkill
`;
}
