import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { kubeconfigFor } from "../../cli/cluster/testing/three-nodes.ts";
import { TestCluster } from "../../operator/testing/test-cluster.ts";
import { git } from "./argocd-application.ts";
import { ArgoCd, argocdItems } from "./argocd-controller.ts";
import { parseManifests, root, whyNotBuilt } from "./lab-programs.ts";

const skip = whyNotBuilt("etcd", "kubernetes", ...argocdItems);

type Documented = { readonly spec: { readonly source: object } };

/** No pod runs here: what is tested is that git and cluster are equal for Argo CD. */
describe("Argo CD installs Guardbee", { skip, timeout: 300_000 }, () => {
  let cluster: TestCluster;
  let argo: ArgoCd;
  const repository = mkdtempSync(join(tmpdir(), "guardbee-git-"));

  before(async () => {
    cluster = await TestCluster.start();
    for (const part of ["crds", "config"]) {
      cpSync(join(root, part), join(repository, part), { recursive: true, verbatimSymlinks: true });
    }
    git(repository, "init", "--quiet", "--initial-branch=main");
    git(repository, "add", "--all");
    git(repository, "commit", "--quiet", "--message", "all of it");
    argo = new ArgoCd(kubeconfigFor(cluster.access));
    await argo.start();
  });
  after(async () => {
    await argo?.stop();
    await cluster?.stop();
    rmSync(repository, { recursive: true });
  });

  const sources: readonly { name: string; source: object }[] = [
    { name: "config/default", source: {} },
    {
      name: "the chart",
      source: {
        path: "config/helm/guardbee",
        helm: { parameters: [{ name: "namespace.create", value: "true" }] },
      },
    },
  ];
  for (const { name, source } of sources) {
    test(`from ${name}: Synced, also after the operator has written the webhook's CA`, async () => {
      argo.apply(application(source));
      const all = { unequal: [], sync: "Synced", count: 28 };
      let seen: unknown;
      const isSynced = async () => {
        const { status = {} } = await argo.application("guardbee", "normal");
        const unequal = (status.resources ?? [])
          .filter((one) => one.status !== "Synced")
          .map((one) => `${one.kind} ${one.name}`);
        const { sync, resources = [] } = status;
        seen = { unequal, sync: sync?.status, count: resources.length };
        return JSON.stringify(seen) === JSON.stringify(all);
      };
      await argo.eventually("the Application", isSynced, () => JSON.stringify(seen));
      const webhooks = [{ name: "policies.guardbee.io", clientConfig: { caBundle } }];
      const patch = ["patch", "validatingwebhookconfiguration", "guardbee"];
      argo.kubectl(...patch, "--field-manager=operator", "-p", JSON.stringify({ webhooks }));
      const secret = ["-n", "guardbee-system", "patch", "secret", "guardbee-webhook"];
      argo.kubectl(...secret, "-p", JSON.stringify({ data: { "tls.crt": caBundle } }));
      await argo.application("guardbee", "hard");
      assert.ok(await isSynced(), JSON.stringify(seen));
      argo.kubectl("-n", "argocd", "delete", "application", "guardbee"); // its resources stay
    });
  }

  /** The first Application of docs/how-to/argo-cd.md, of our repository. */
  function application(source: object): object {
    const page = readFileSync(join(root, "docs/how-to/argo-cd.md"), "utf8");
    const [block] = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
    const app = parseManifests(block!)[0]! as unknown as Documented;
    const ours = { ...app.spec.source, repoURL: `file://${repository}`, ...source };
    return { ...app, spec: { ...app.spec, source: ours } };
  }
});

const pem = readFileSync(join(import.meta.dirname, "testdata/ca.pem"));
const caBundle = pem.toString("base64");
