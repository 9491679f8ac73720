import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { getObject, type KubeObject, resources } from "@guardbee/kube";
import { TestCluster } from "../../operator/testing/test-cluster.ts";
import { ArgoCd, argocdItems } from "./argocd-controller.ts";
import { createNode, followSets } from "./fake-nodes.ts";
import { parseManifests, root, whyNotBuilt } from "./lab-programs.ts";

const skip = whyNotBuilt("etcd", "kubernetes", "opa", ...argocdItems);
const never = new AbortController().signal;
const seeds = ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"] as const;
const [tracing, exec] = ["deny-tmp-forbidden-write", "exec-policy-example"] as const;

type Documented = {
  readonly spec: {
    readonly source: object;
    readonly syncPolicy: { readonly syncOptions: readonly string[] };
  };
};

describe("Argo CD syncs policies from git", { skip, timeout: 300_000 }, () => {
  let cluster: TestCluster;
  let argo: ArgoCd;
  const stop = new AbortController();
  let agent: Promise<void>;
  const repository = mkdtempSync(join(tmpdir(), "guardbee-git-"));

  before(async () => {
    cluster = await TestCluster.start();
    await createNode(cluster, "a");
    await cluster.startOperator();
    agent = followSets(cluster, "a", stop.signal);
    for (const file of seeds) cpSync(join(root, "config/examples", file), join(repository, file));
    git("init", "--quiet", "--initial-branch=main");
    commit("both seed policies");
    argo = new ArgoCd(cluster);
    await argo.start();
    argo.apply(application());
  });
  after(async () => {
    stop.abort();
    await agent;
    await argo?.stop();
    await cluster?.stop();
    rmSync(repository, { recursive: true });
  });

  test("both seed policies become Synced and Healthy", async () => {
    const healthy = "Healthy in force on 1 of 1 nodes";
    await appBecomes({ app: "Synced Healthy", [tracing]: healthy, [exec]: healthy });
  });

  test("nothing changes while nothing changes in git, and what we generate is not tracked", async () => {
    const earlier = await versions();
    for (let times = 0; times < 3; times++) {
      await refresh("hard");
      await appBecomes({ app: "Synced Healthy" });
    }
    assert.deepEqual(await versions(), earlier);
    const sets = await cluster.list(resources.selectorSet);
    const tracked = sets.filter(({ metadata }) => /argocd/.test(JSON.stringify(metadata)));
    assert.deepEqual(
      { sets: sets.length, tracked: tracked.map(({ metadata }) => metadata.name) },
      { sets: 2, tracked: [] },
    );
  });

  test("a broken policy is Degraded with our message, and Healthy again once fixed", async () => {
    const file = join(repository, seeds[0]);
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace('operator: "Prefix"', 'operator: "Mask"'));
    commit("break it");
    await refresh();
    const message =
      "spec.kprobes[0].selectors[0].matchArgs[0].operator: Mask does not apply to type file; allowed: Equal, NotEqual, Prefix, NotPrefix, Postfix, NotPostfix, SubString, SubStringIgnCase, FileType, NotFileType, CelExpr";
    await appBecomes({ app: "Synced Degraded", [tracing]: `Degraded ${message}` });
    writeFileSync(file, good);
    commit("fix it");
    await refresh();
    await appBecomes({ app: "Synced Healthy" });
  });

  test("what somebody deletes or edits is put right", async () => {
    argo.kubectl("delete", "tracingpolicy", tracing);
    await argo.eventually("the policy", async () => (await policy())?.metadata.name === tracing);
    await appBecomes({ app: "Synced Healthy" });
    const hooks = [{ op: "replace", path: "/spec/kprobes/0/call", value: "security_file_open" }];
    argo.kubectl("patch", "tracingpolicy", tracing, "--type=json", "-p", JSON.stringify(hooks));
    await argo.eventually("the edit to be undone", async () => {
      const { kprobes } = (await policy())!.spec as { kprobes: { call: string }[] };
      return kprobes[0]!.call === "fd_install";
    });
    await appBecomes({ app: "Synced Healthy" });
  });

  test("a file removed from git takes its policy and its SelectorSet along", async () => {
    rmSync(join(repository, seeds[0]));
    commit("remove it");
    await refresh();
    await argo.eventually("the policy to be gone", async () => (await policy()) === undefined);
    await argo.eventually("its set to be gone", async () => {
      const sets = await cluster.list(resources.selectorSet);
      return sets.map(({ metadata }) => metadata.name).join() === `execpolicy.${exec}`;
    });
    await appBecomes({ app: "Synced Healthy" });
  });

  function git(...args: readonly string[]): string {
    const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    const options = { cwd: repository, encoding: "utf8" } as const;
    return execFileSync("git", [...identity, ...args], options).trim();
  }

  function commit(subject: string): void {
    git("add", "--all");
    git("commit", "--quiet", "--message", subject);
  }

  /** The Application of policies in docs/how-to/argo-cd.md, of our repository. */
  function application(): object {
    const page = readFileSync(join(root, "docs/how-to/argo-cd.md"), "utf8");
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
    const app = parseManifests(blocks[1]!)[0]! as unknown as Documented;
    const source = { ...app.spec.source, repoURL: `file://${repository}`, path: "." };
    // No garbage collector runs here, which a deletion in the foreground waits for.
    const { syncPolicy } = app.spec;
    const syncOptions = [...syncPolicy.syncOptions, "PrunePropagationPolicy=background"];
    return { ...app, spec: { ...app.spec, source, syncPolicy: { ...syncPolicy, syncOptions } } };
  }

  async function refresh(kind: "normal" | "hard" = "normal"): Promise<void> {
    await argo.application(appName, kind);
  }

  /** `SYNC HEALTH` of the whole at the newest commit; of resources by name `HEALTH MESSAGE`. */
  async function appBecomes(wanted: Readonly<Record<string, string>>): Promise<void> {
    let seen: Record<string, string> = {};
    const matches = async () => {
      const { status = {} } = await argo.application(appName);
      const { sync, health, resources: all = [] } = status;
      const at = sync?.revision === git("rev-parse", "HEAD") ? "" : ` at ${sync?.revision}`;
      const each = all.map((one) => [one.name, `${one.health?.status} ${one.health?.message}`]);
      seen = { app: `${sync?.status} ${health?.status}${at}`, ...Object.fromEntries(each) };
      return Object.entries(wanted).every(([name, want]) => seen[name] === want);
    };
    await argo.eventually("the Application", matches, () =>
      JSON.stringify({ seen, wanted }, null, 2),
    );
  }

  async function policy(): Promise<KubeObject | undefined> {
    return getObject(cluster.kube, resources.tracingPolicy, { name: tracing }, never);
  }

  /** Resource versions of both policies: another one after any write. */
  async function versions(): Promise<readonly (string | undefined)[]> {
    const kinds = [resources.tracingPolicy, resources.execPolicy];
    const objects = (await Promise.all(kinds.map((kind) => cluster.list(kind)))).flat();
    return objects.map(({ metadata }) => metadata.resourceVersion);
  }
});

const appName = "guardbee-policies";
