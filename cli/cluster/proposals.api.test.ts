import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { getObject, resources } from "@guardbee/kube";
import { type ExecPolicySpec, resourceOf } from "@guardbee/policy";
import { parse } from "yaml";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, TestCluster } from "../../operator/testing/test-cluster.ts";
import { exit } from "../command.ts";
import { kubectlGuardbee, runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";
import { completeForKubectl } from "./complete.ts";
import { kubeconfigFor } from "./testing/three-nodes.ts";

const never = new AbortController().signal;
const kind = resourceOf("ExecPolicyNamespaced");
const set = "execpolicynamespaced.shop.web";
const title = "ExecPolicyNamespaced/shop/web";

describe("kubectl guardbee learn and proposals", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let folder: string;
  let kubeconfig: string;
  before(async () => {
    cluster = await TestCluster.start();
    folder = await mkdtemp(join(tmpdir(), "guardbee-cli-"));
    kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, kubeconfigFor(cluster.access));
    await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
    await cluster.addNode("a");
    await cluster.apply(resources.deployment, {
      metadata: { name: "web", namespace: "shop" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "main", image: "example/web:1" }] },
        },
      },
    });
    await cluster.startOperator({ proposalIntervalMs: 100 });
  });
  after(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(...argv: string[]) {
    const { io, out, err } = anIo();
    const line = [...argv, "--kubeconfig", kubeconfig];
    const code = await runCli(line, io, kubectlGuardbee);
    return { code, out: out(), err: err() };
  }

  async function spec(): Promise<ExecPolicySpec> {
    const found = await getObject(cluster.kube, kind, { name: "web", namespace: "shop" }, never);
    return found?.spec as ExecPolicySpec;
  }

  /** The one node holds the policy, and says that this ran. */
  async function ran(...paths: readonly string[]): Promise<void> {
    await eventually(
      "the node's list",
      async () => {
        const ref = { name: "a" };
        const found = await getObject(cluster.kube, resourceOf("NodePolicySet"), ref, never);
        return (found?.spec as { sets: string[] } | undefined)?.sets.includes(set);
      },
      true,
    );
    await cluster.report("a");
    const workload = { namespace: "shop", kind: "Deployment", name: "web" };
    const executables = paths.map((path) => ({ path, count: 1 }));
    const workloads = [{ ...workload, pods: 3, sinceStart: 3, starts: 5, executables }];
    await cluster.apply(resourceOf("NodeExecReport"), {
      metadata: { name: "a" },
      policies: [{ set, since: "2026-01-01T00:00:00Z", workloads }],
    });
    await eventually(
      `${paths} to be proposed`,
      async () => (await run("proposals", "show", "web", "-n", "shop")).out,
      (out) => paths.every((path) => out.includes(path)),
    );
  }

  test("learn makes an empty list in monitor mode, once", async () => {
    const unknown = await run("learn", "deployment/shop", "-n", "shop");
    assert.equal(unknown.code, exit.rejected);
    assert.equal(
      unknown.err,
      "guardbee: deployment/shop: there is no Deployment shop in namespace shop; kubectl get deployments -A lists them\n",
    );
    assert.equal((await run("learn", "web", "-n", "shop")).code, exit.usage);
    const dry = await run("learn", "deploy/web", "-n", "shop", "--dry-run");
    assert.deepEqual([dry.code, dry.err, await spec()], [exit.ok, "", undefined]);
    const done = await run("learn", "deployment/web", "-n", "shop", "--min-restarts", "2");
    assert.deepEqual([done.code, done.err], [exit.ok, ""]);
    assert.equal(
      done.out,
      `${title}: learns what deployment/web runs, and stops nothing; see guardbee proposals show web -n shop\n`,
    );
    const { podSelector, mode, learn, rules } = await spec();
    assert.deepEqual(
      [podSelector, mode, learn, rules],
      [
        { matchLabels: { app: "web" } },
        "monitor",
        { minDuration: "24h", minRestarts: 2 },
        { allow: [] },
      ],
    );
    const again = await run("learn", "deployment/web", "-n", "shop");
    assert.equal(again.code, exit.rejected);
    assert.match(
      again.err,
      /is there already; guardbee proposals show web, or give another --name/,
    );
  });

  test("proposals lists them, show shows one, and tab completes both", async () => {
    await ran("/bin/sh", "/usr/bin/curl", "/usr/bin/id");
    const list = await run("proposals");
    assert.match(list.out, /^ExecPolicyNamespaced +shop +web +3 +3\/3 +2 +\w+$/m);
    const { out } = await run("proposals", "show", "web", "-n", "shop");
    assert.match(out, /^Replicas: +3\/3 seen from their start$/m);
    assert.match(out, /^\/usr\/bin\/curl +unknown +no +1 +1 +Deployment\/web +-$/m);
    const completed = async (...argv: string[]) => {
      const tab = anIo();
      await completeForKubectl(
        [...argv.slice(0, -1), "--kubeconfig", kubeconfig, argv.at(-1)!],
        tab.io,
      );
      return tab.out().split("\n");
    };
    assert.ok((await completed("proposals", "")).includes("accept"));
    assert.ok((await completed("proposals", "accept", "-n", "shop", "")).includes("web"));
  });

  test("accept prints the policy to commit, and changes nothing", async () => {
    const { code, out } = await run(
      ...["proposals", "accept", "web", "-n", "shop", "-o", "yaml", "--only", "/usr/bin/*"],
    );
    assert.equal(code, exit.ok);
    const printed = parse(out);
    assert.deepEqual(
      [printed.kind, printed.metadata, printed.spec.rules.allow],
      [
        kind.kind,
        { name: "web", namespace: "shop" },
        [{ paths: ["/usr/bin/curl", "/usr/bin/id"] }],
      ],
    );
    assert.deepEqual((await spec()).rules.allow, []);
    const dry = await run("proposals", "accept", "web", "-n", "shop", "--dry-run");
    assert.match(dry.out, /: would allow 3 more$/m);
    assert.deepEqual((await spec()).rules.allow, []);
  });

  test("accept refuses what is not proposed, and to enforce what leaves something out", async () => {
    const none = await run("proposals", "accept", "web", "-n", "shop", "--only", "/opt/**");
    assert.equal(none.code, exit.rejected);
    assert.match(
      none.err,
      /nothing proposed is as --only \/opt\/\*\*; guardbee proposals show web/,
    );
    const early = await run(
      ...["proposals", "accept", "web", "-n", "shop", "--enforce", "--only", "/bin/sh"],
    );
    assert.equal(early.code, exit.rejected);
    assert.match(early.err, /2 executables that ran would be stopped|is not covered/);
    assert.equal((await spec()).mode, "monitor");
  });

  test("accept changes the policy, and with --enforce its mode, in one change", async () => {
    const one = await run("proposals", "accept", "web", "-n", "shop", "--only", "/bin/sh");
    assert.deepEqual(
      [one.code, one.err, one.out],
      [exit.ok, "", `${title}: allows 1 more\n  /bin/sh\n`],
    );
    assert.deepEqual((await spec()).rules.allow, [{ paths: ["/bin/sh"] }]);
    await ran("/usr/bin/curl", "/usr/bin/id");
    const all = await eventually(
      "coverage",
      async () => {
        await cluster.report("a"); // of the content that there is by now
        return run("proposals", "accept", "web", "-n", "shop", "--enforce");
      },
      ({ code }) => code === exit.ok,
    );
    assert.match(
      all.out,
      /: allows 2 more and enforces\n {2}\/usr\/bin\/curl\n {2}\/usr\/bin\/id\n$/,
    );
    const { mode, rules } = await spec();
    assert.deepEqual(
      [mode, rules.allow],
      ["enforce", [{ paths: ["/bin/sh", "/usr/bin/curl", "/usr/bin/id"] }]],
    );
  });

  test("a policy that Argo CD writes is changed with a warning, and one that learns nothing has no proposal", async () => {
    await ran("/usr/bin/env");
    await cluster.kube.request(
      {
        method: "PATCH",
        path: `/apis/cilium.io/v1alpha1/namespaces/shop/${kind.plural}/web`,
        contentType: "application/merge-patch+json",
        body: { metadata: { annotations: { "argocd.argoproj.io/tracking-id": "x" } } },
      },
      never,
    );
    const { code, err } = await run("proposals", "accept", "web", "-n", "shop");
    assert.equal(code, exit.ok);
    assert.equal(
      err,
      `guardbee: ${title}: Argo CD writes this policy, and may undo what is accepted here; commit what -o yaml prints instead\n`,
    );
    await cluster.apply(kind, {
      metadata: { name: "plain", namespace: "shop" },
      spec: { podSelector: { matchLabels: { app: "web" } }, rules: { allow: [{ paths: ["/a"] }] } },
    });
    const plain = await run("proposals", "show", "plain", "-n", "shop");
    assert.equal(plain.code, exit.rejected);
    assert.match(plain.err, /there is no proposal for it; add spec.learn: \{\} to it/);
  });
});
