import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hashSets, resourceOf } from "@guardbee/policy";
import { parse, stringify } from "yaml";
import { findKubectl, whyNoApiServer } from "../../kube/testing/api-server.ts";
import type { TestCluster } from "../../operator/testing/test-cluster.ts";
import { exit } from "../command.ts";
import { kubectlGuardbee, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";
import { completeForKubectl } from "./complete.ts";
import { aPolicy, startThreeNodes, type ThreeNodes } from "./testing/three-nodes.ts";

const noKubectl = findKubectl() === undefined ? "kubectl is not built" : false;
describe("kubectl guardbee against a real API server", { skip: whyNoApiServer() }, () => {
  let three: ThreeNodes;
  let cluster: TestCluster;
  let folder: string;
  let kubeconfig: string;

  before(async () => {
    three = await startThreeNodes();
    ({ cluster, folder, kubeconfig } = three);
  });
  after(() => three?.stop());
  async function kubectl(...argv: string[]) {
    const { io, out, err } = anIo();
    const code = await runCli([...argv, "--kubeconfig", kubeconfig], io, kubectlGuardbee);
    return { code, out: out(), err: err() };
  }

  test("status shows where a policy is in force, and why not elsewhere", async () => {
    const { code, out, err } = await kubectl("status", "everywhere");
    assert.deepEqual({ code, err }, { code: exit.ok, err: "" });
    const lines = out.split("\n");
    const hash = hashSets((await cluster.sets("tracingpolicy.everywhere"))!);
    assert.deepEqual(lines.slice(0, 6), [
      "Policy:     TracingPolicy/everywhere",
      "Ready:      False (NodesFailed)",
      "Mode:       enforce, asked for: enforce",
      "Nodes:      1/3",
      "Generation: 1",
      `Hash:       ${hash}`,
    ]);
    const groups = lines.slice(lines.findIndex((line) => line.startsWith("NODES ")));
    assert.deepEqual(groups.slice(1, 3), [
      "failed        1       KernelLacks   5.15.0   amd64   old       has no fd_install",
      "unreachable   1       -             -        -       -         -",
    ]);
    assert.match(groups[3] ?? "", /^programmed +1 /);
  });

  test("status without a name lists all policies, and -o yaml is for machines", async () => {
    const { out } = await kubectl("status");
    assert.match(out, /^TracingPolicyNamespaced +shop +web +monitor +True +2\/3 +Programmed$/m);
    const { out: yaml } = await kubectl("status", "tgtpn/web", "-n", "shop", "-o", "yaml");
    const report = parse(yaml);
    assert.deepEqual(
      [report.kind, report.namespace, report.name, report.mode.observed],
      ["TracingPolicyNamespaced", "shop", "web", "monitor"],
    );
  });

  test("nodes shows what each holds, what it cannot, and what its kernel can do", async () => {
    const { code, out } = await kubectl("nodes", "-o", "json");
    assert.equal(code, exit.ok);
    const short = JSON.parse(out).nodes.map((one: Record<string, unknown>) => [
      ...[one.name, one.standing, one.programmed, one.failed, one.pending, one.unreachable],
      ...[one.digest, one.features],
    ]);
    assert.deepEqual(short, [
      ["new", "current", 3, 0, 0, 0, "current", ["btf", "fentry"]],
      ["off", "unreachable", 0, 0, 0, 2, "none", undefined],
      ["old", "failing", 1, 1, 0, 0, "current", undefined],
    ]);
    const { out: table } = await kubectl("nodes", "old");
    assert.match(table, /^old +failing +1\/2 +1 +current +5\.15\.0 +\d+s +-$/m);
    assert.match(
      table,
      /^old +tracingpolicy\.everywhere +failed +KernelLacks +has no fd_install$/m,
    );
    assert.doesNotMatch(table, /^new/m);
  });

  test("explain names the policies that hold for a pod, by what, and in which mode", async () => {
    const { out } = await kubectl("explain", "web-1", "-n", "shop");
    const rows = out.split("\n").filter((line) => line.startsWith("TracingPolicy"));
    assert.deepEqual(
      rows.map((line) => line.split(/ {3,}/)),
      [
        [
          "TracingPolicy/edge",
          "enforce",
          "yes",
          "programmed",
          "main, proxy",
          "host processes, every pod",
        ],
        [
          ...["TracingPolicy/everywhere", "enforce", "yes", "programmed", "main, proxy"],
          "host processes, every pod",
        ],
        [
          ...["TracingPolicyNamespaced/shop/web", "monitor", "yes", "programmed", "main"],
          "pods in shop with app=web, containers with name=main",
        ],
      ],
    );
  });

  test("explain --all says why the others do not hold", async () => {
    const { out } = await kubectl("explain", "db-1", "-n", "shop", "--all", "-o", "json");
    const { policies, others } = JSON.parse(out);
    assert.deepEqual(
      policies.map((one: Record<string, unknown>) => [one.name, one.state, one.message]),
      [["everywhere", "failed", "KernelLacks: has no fd_install"]],
    );
    assert.deepEqual(others, [
      { policy: "TracingPolicy/edge", why: "it selects nodes with pool=edge" },
      { policy: "TracingPolicyNamespaced/shop/web", why: "it selects pods with app=web" },
    ]);
    const elsewhere = await kubectl("explain", "web-2", "--all");
    assert.match(elsewhere.out, /^TracingPolicyNamespaced\/shop\/web +it selects pods in shop$/m);
  });

  const warning =
    "  note:      guard rail builtin/system-namespaces warned: holds in the system namespaces too; " +
    "select pods by label to leave them out";
  const notInSystem =
    "k8s:io.kubernetes.pod.namespace notin (guardbee-system, kube-node-lease, kube-system)";
  async function diff(documents: readonly object[], ...argv: string[]) {
    const typed = documents.map((one) => ({
      ...{ apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy" },
      ...one,
    }));
    const stdin = typed.map((one) => `---\n${stringify(one)}`).join("");
    const { io, out, err } = anIo({ stdin });
    const line = ["diff", "-", "--kubeconfig", kubeconfig, ...argv];
    const code = await runCli(line, io, kubectlGuardbee);
    return { code, out: out(), err: err() };
  }

  test("diff of what is applied already is nothing, with 0", async () => {
    const edge = { nodeSelector: { matchLabels: { pool: "edge" } } };
    const same = [aPolicy("everywhere", "/etc/shadow"), aPolicy("edge", "/edge/", edge)];
    assert.deepEqual(await diff(same), {
      code: exit.ok,
      out: `TracingPolicy/everywhere: unchanged\n${warning}\nTracingPolicy/edge: unchanged\n${warning}\n`,
      err: "",
    });
  });

  test("diff names what would change of a policy, and for which pods on which nodes", async () => {
    const narrower = { podSelector: { matchLabels: { app: "db" } } };
    const wider = aPolicy("edge", "/other/");
    const { code, out } = await diff([aPolicy("everywhere", "/etc/shadow", narrower), wider]);
    assert.equal(code, exit.rejected);
    assert.deepEqual(
      out.split("\n").map((line) => line.replaceAll(/ {3,}(?=\S)/g, " | ")),
      [
        "TracingPolicy/everywhere: changed",
        `  scope: | host processes, every pod -> pods with app=db,${notInSystem}`,
        "  selectors: 0 new, 0 changed, 0 removed, 1 as before",
        "  pods: | 1 gains it, 2 lose it, on 2 nodes",
        "  hosts: | 2 lose it",
        "  note: | guard rail builtin/system-namespaces changed: the scope",
        "  note: | 1 node without any version of it, and perhaps without this one: old",
        "  note: | 1 node with a report that does not tell, and compared with what is to hold there: off",
        "TracingPolicy/edge: changed",
        "  nodes: | nodes with pool=edge -> every node",
        "  selectors: 0 new, 1 changed, 0 removed, 0 as before",
        " | ~ fd_install: args[1] Prefix /other/: Sigkill",
        " | was: args[1] Prefix /edge/: Sigkill",
        "  pods: | 1 gains it, 2 change, on 2 nodes",
        "  hosts: | 2 gain it, 1 changes",
        warning.replace(/ {3,}/, " | "),
        "",
        "PODS | POLICY | NAMESPACE | NAME | NODE | CONTAINERS",
        "loses | TracingPolicy/everywhere | default | web-2 | new | main, proxy",
        "gains | TracingPolicy/everywhere | shop | db-1 | old | main, proxy",
        "loses | TracingPolicy/everywhere | shop | web-1 | new | main, proxy",
        "changes | TracingPolicy/edge | default | web-2 | new | main, proxy",
        "gains | TracingPolicy/edge | shop | db-1 | old | main, proxy",
        "changes | TracingPolicy/edge | shop | web-1 | new | main, proxy",
        "",
      ],
    );
  });

  test("diff of a new namespaced policy takes the namespace of -n, and holds only there", async () => {
    const fresh = { kind: "TracingPolicyNamespaced", ...aPolicy("fresh", "/fresh/") };
    const { code, out } = await diff([fresh], "-n", "shop", "-o", "json");
    assert.equal(code, exit.rejected);
    const [only] = JSON.parse(out).policies;
    const { policy, verdict, selectors, pods, hosts } = only;
    assert.deepEqual([policy, verdict], ["TracingPolicyNamespaced/shop/fresh", "new"]);
    assert.deepEqual(selectors, [
      { change: "new", hook: "fd_install", after: "args[1] Prefix /fresh/: Sigkill" },
    ]);
    assert.deepEqual(
      pods.map((one: { effect: string; pod: string }) => [one.effect, one.pod]),
      [
        ["gains", "db-1"],
        ["gains", "web-1"],
      ],
    );
    assert.deepEqual(hosts, { gains: [], loses: [], changes: [] });
  });

  test("diff of a policy that the operator would refuse says why, and ends with 2", async () => {
    const all = {
      kprobes: [
        {
          ...{ call: "fd_install", syscall: false, args: [{ index: 1, type: "file" }] },
          selectors: [{ matchActions: [{ action: "Sigkill" }] }],
        },
      ],
    };
    const kubelet = await diff([{ metadata: { name: "all" }, spec: all }]);
    assert.equal(kubelet.code, exit.usage);
    assert.match(
      kubelet.out,
      /^TracingPolicy\/all: refused\n {2}-:\d+: spec.* \(guard rail builtin\//,
    );
    const typo = await diff([{ metadata: { name: "typo" }, spec: { kprobe: [] } }]);
    assert.deepEqual([typo.code, typo.err], [exit.usage, ""]);
    assert.match(
      typo.out,
      /^TracingPolicy\/typo: refused\n {2}-:\d+: spec\.kprobe: is not a field; did you mean kprobes\?/,
    );
  });

  test("diff says which guard rails of the cluster it did not ask", async () => {
    const rego = "package guardbee.guardrail\n\nimport rego.v1\n\ndecision := {}\n";
    const modules = [{ name: "nothing.rego", rego }];
    await cluster.apply(resourceOf("RegoPolicy"), {
      metadata: { name: "nothing" },
      spec: { role: "Guardrail", modules },
    });
    const { err } = await diff([aPolicy("everywhere", "/etc/shadow")]);
    await cluster.delete(resourceOf("RegoPolicy"), "nothing");
    assert.equal(
      err,
      "guardbee: guard rails of this cluster are not asked here: RegoPolicy/nothing; " +
        "kubectl apply --dry-run=server asks them\n",
    );
  });

  test("docs/reference/cli.md shows what these commands print", async () => {
    const page = await readFile(new URL("../../docs/reference/cli.md", import.meta.url), "utf8");
    const typed = { apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy" };
    await writeFile(
      join(folder, "edge.yaml"),
      stringify({ ...typed, ...aPolicy("edge", "/other/") }),
    );
    const shown = [...page.matchAll(/^```console\n\$ kubectl guardbee ([^\n]+)\n([^`]*)```$/gm)];
    assert.ok(shown.length >= 4, "the page shows commands");
    for (const [, line = "", want = ""] of shown) {
      const { io, out } = anIo({ cwd: folder });
      await runCli([...line.split(" "), "--kubeconfig", kubeconfig], io, kubectlGuardbee);
      assert.equal(steady(out()), steady(want), line);
    }
  });

  test("kubectl finds the plugin on the PATH, and completes it", { skip: noKubectl }, async () => {
    const bins = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
    const env = { PATH: `${bins}:${process.env.PATH}`, KUBECONFIG: kubeconfig };
    const run = async (...argv: string[]) =>
      (await promisify(execFile)(findKubectl()!, argv, { env })).stdout;
    assert.match(await run("guardbee", "status", "edge"), /^Policy: +TracingPolicy\/edge$/m);
    const complete = () => run("__complete", "guardbee", "explain", "-n", "shop", "w");
    let names = await complete();
    // It gives up early, as a person at a shell would: on a machine that is busy, at first.
    for (let i = 0; i < 20 && !/^web-1$/m.test(names); i++) names = await complete();
    assert.match(names, /^web-1$/m);
  });

  const refused: readonly { argv: readonly string[]; code: number; want: RegExp }[] = [
    {
      argv: ["status", "nothing"],
      code: exit.rejected,
      want: /^guardbee: nothing: there is no such policy in namespace default; see guardbee status/,
    },
    {
      argv: ["status", "pod/web"],
      code: exit.usage,
      want: /^guardbee: pod: is no kind of policy; there are TracingPolicy, /,
    },
    {
      argv: ["nodes", "nowhere"],
      code: exit.rejected,
      want: /^guardbee: nowhere: there is no such node; see guardbee nodes$/m,
    },
    {
      argv: ["explain", "web-1"],
      code: exit.rejected,
      want: /^guardbee: web-1: there is no such pod in namespace default; check the name, or/,
    },
    {
      argv: ["diff", "config/examples", "--context", "stranger"],
      code: exit.usage,
      want: /: 403 .*cannot list resource .*; ask for that right, or choose another --context$/m,
    },
    {
      argv: ["nodes", "--context", "stranger"],
      code: exit.rejected,
      want: /: 403 .*cannot list resource .*; ask for that right, or choose another --context$/m,
    },
    {
      argv: ["nodes", "--context", "unreachable"],
      code: exit.unreachable,
      want: /ECONNREFUSED.*; check --kubeconfig and --context$/m,
    },
    {
      argv: ["nodes", "--context", "none"],
      code: exit.unreachable,
      want: /: has no context none; it has admin, stranger, unreachable$/m,
    },
  ];
  for (const { argv, code, want } of refused) {
    test(`${argv.join(" ")} says what is wrong and ends with ${code}`, async () => {
      const result = await kubectl(...argv);
      assert.deepEqual([result.code, result.out], [code, ""]);
      assert.match(result.err, want);
    });
  }

  const completions: readonly { argv: readonly string[]; want: readonly string[] }[] = [
    { argv: ["st"], want: ["status", ":4"] },
    { argv: ["status", "e"], want: ["edge", "everywhere", ":4"] },
    { argv: ["explain", "-n", "shop", "web"], want: ["web-1", ":4"] },
    { argv: ["nodes", "new", "o"], want: ["off", "old", ":4"] },
    { argv: ["explain", "web-1", "-n", "sh"], want: ["shop", ":4"] },
    { argv: ["status", "-o", "j"], want: ["json", ":4"] },
    { argv: ["status", "--out"], want: ["--output", ":4"] },
    { argv: ["policy", "check", ""], want: [":0"] },
  ];
  for (const { argv, want } of completions) {
    test(`completion of ${argv.join(" ")}|`, async () => {
      const { io, out } = anIo();
      const words = ["--kubeconfig", kubeconfig];
      const [command = "", ...rest] = argv;
      const line = rest.length === 0 ? [command] : [command, ...words, ...rest];
      assert.equal(await completeForKubectl(line, io), exit.ok);
      assert.deepEqual(out().trimEnd().split("\n"), want);
    });
  }
});

/** Without what differs from run to run: digests, ages, and the widths that follow from them. */
function steady(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{64}\b/g, "DIGEST")
    .replaceAll(/(?<= )\d+[smhd](?= )/g, "AGE")
    .replaceAll(/ {2,}/g, "  ");
}
