import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { getObject, type Resource } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { stringify } from "yaml";
import { freePort, whyNoApiServer } from "../kube/testing/api-server.ts";
import { openTo, statusOf } from "../kube/testing/raw-http.ts";
import { webhookConfiguration } from "./admission/certificates.ts";
import { eventually, readYaml, TestCluster } from "./testing/test-cluster.ts";

const root = new URL("../", import.meta.url);
const never = new AbortController().signal;
const lease: Resource = {
  ...{ group: "coordination.k8s.io", version: "v1", namespaced: true },
  ...{ kind: "Lease", plural: "leases" },
};
type LeaseSpec = { readonly holderIdentity?: string; readonly renewTime?: string };

describe("an operator process whose ports anybody reaches", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let folder: string;
  let operator: ChildProcess;
  const ports = { health: 0, webhook: 0 };
  const open: Duplex[] = [];

  before(async () => {
    cluster = await TestCluster.start();
    ports.webhook = await freePort();
    const url = `https://127.0.0.1:${ports.webhook}/validate`;
    await cluster.apply(webhookConfiguration, {
      metadata: { name: "guardbee" },
      webhooks: [
        {
          ...{ name: "policies.guardbee.io", admissionReviewVersions: ["v1"], sideEffects: "None" },
          clientConfig: { url },
        },
      ],
    });
    folder = await mkdtemp(join(tmpdir(), "guardbee-attacked-"));
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, await kubeconfigOf(cluster));
    ports.health = await freePort();
    const args = [
      ...["operator", `--kubeconfig=${kubeconfig}`, "--namespace=guardbee-system"],
      ...[`--health-port=${ports.health}`, `--webhook-port=${ports.webhook}`],
    ];
    const main = fileURLToPath(new URL("cli/bin/guardbee.js", root));
    operator = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "inherit"] });
    await eventually("ready", () => healthOf("/readyz"), 200);
    await eventually("certificate", webhookStatus, 415);
    await eventually("leader", leaseSpec, ({ holderIdentity }) => holderIdentity !== undefined);
  });
  after(async () => {
    for (const socket of open) socket.destroy();
    if (operator !== undefined && operator.exitCode === null) {
      operator.kill();
      await once(operator, "exit");
    }
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const healthOf = async (path: string) =>
    (await fetch(`http://127.0.0.1:${ports.health}${path}`)).status;
  const leaseSpec = async (): Promise<LeaseSpec> => {
    const ref = { namespace: "guardbee-system", name: "guardbee-operator" };
    return (await getObject(cluster.kube, lease, ref, never))?.spec ?? {};
  };
  /** As the API server asks, or a pod by its own address; without a review: 415. */
  const webhookStatus = (body = "", localAddress = "127.0.0.1") =>
    new Promise<number | undefined>((resolve, reject) => {
      const to = { host: "127.0.0.1", port: ports.webhook, path: "/validate", method: "POST" };
      const headers = body === "" ? {} : { "content-type": "application/json" };
      request({ ...to, headers, localAddress, rejectUnauthorized: false, agent: false }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .on("error", reject)
        .end(body);
    });

  test("it answers what no client sends, and goes on", async () => {
    const health = { port: ports.health };
    const end = "HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert.equal(await statusOf(health, `GET // ${end}`), "HTTP/1.1 404 Not Found");
    assert.equal(await statusOf(health, `GET http://[ ${end}`), "HTTP/1.1 404 Not Found");
    assert.equal(await statusOf(health, `OPTIONS * ${end}`), "HTTP/1.1 404 Not Found");
    assert.equal(await statusOf(health, `CONNECT x:1 ${end}`), "HTTP/1.1 405 Method Not Allowed");
    const long = statusOf(health, `GET /${"a".repeat(1 << 20)} ${end}`);
    assert.match(await long, /^(HTTP\/1.1 431 Request Header Fields Too Large)?$/); // or a reset
    await statusOf({ port: ports.webhook }, `GET // ${end}`);
    assert.equal(await healthOf("/healthz"), 200);
    assert.equal(await webhookStatus(), 415);
    assert.equal(operator.exitCode, null);
  });

  test("it leads on beside 1,000 slow connections to each port, and answers the kubelet", async () => {
    const slow = (count: number) => {
      for (let one = 0; one < count; one++) {
        const plain = openTo({ port: ports.health });
        plain.write("GET /healthz HTTP/1.1\r\nhost:");
        const halfHello = openTo({ port: ports.webhook });
        halfHello.write("\x16\x03\x01\x02\x00\x01\x00");
        open.push(plain, halfHello);
      }
    };
    slow(1_000);
    await leadsOn(() => slow(20));
  });

  test("it leads on beside reviews without end of policies as large as they may be", async (t) => {
    const body = largeReview();
    const statuses = new Map<number | undefined, number>();
    const stop = new AbortController();
    t.after(() => stop.abort());
    const flood = async () => {
      while (!stop.signal.aborted) {
        const status = await webhookStatus(body, "127.0.0.2").catch(() => undefined);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const floods = Array.from({ length: 16 }, () => flood());
    await leadsOn(() => {});
    stop.abort();
    await Promise.all(floods);
    assert.ok((statuses.get(200) ?? 0) > 0);
  });

  /** The lease is renewed, probes and the API server are answered, a policy is judged. */
  async function leadsOn(meanwhile: () => void): Promise<void> {
    const before = await leaseSpec();
    const renewed = new Set<string | undefined>();
    await eventually(
      "renewals",
      async () => {
        meanwhile();
        assert.equal(await healthOf("/healthz"), 200);
        assert.equal(await webhookStatus(), 415);
        renewed.add((await leaseSpec()).renewTime);
        return renewed.size;
      },
      (count) => count > 3,
    );
    const [policy] = await readYaml(new URL("config/examples/deny-tmp-forbidden-write.yaml", root));
    await cluster.apply(resourceOf("TracingPolicy"), policy);
    await eventually(
      "a set of the policy",
      () => cluster.sets("tracingpolicy.deny-tmp-forbidden-write"),
      (sets) => sets?.length === 1,
    );
    await cluster.delete(resourceOf("TracingPolicy"), "deny-tmp-forbidden-write");
    await eventually(
      "no set",
      () => cluster.sets("tracingpolicy.deny-tmp-forbidden-write"),
      undefined,
    );
    assert.equal((await leaseSpec()).holderIdentity, before.holderIdentity);
    assert.equal(operator.exitCode, null);
  }
});

/** A review of a policy that is as large as one may be, and wrong at its very end. */
function largeReview(): string {
  const values = Array.from({ length: 100_000 }, (_, index) => `/a/path/of/some/length/${index}`);
  const matchArgs = [{ index: 0, operator: "Equal", values }];
  const spec = { kprobes: [{ call: "fd_install", syscall: false, selectors: [{ matchArgs }] }] };
  const kind = { group: "cilium.io", version: "v1alpha1", kind: "TracingPolicy" };
  const object = { metadata: { name: "p" }, spec };
  const asked = { uid: "u", operation: "CREATE", kind, object };
  const apiVersion = "admission.k8s.io/v1";
  return JSON.stringify({ apiVersion, kind: "AdmissionReview", request: asked });
}

async function kubeconfigOf(cluster: TestCluster): Promise<string> {
  const { server } = cluster.access;
  const token = await cluster.tokenOf("guardbee-operator");
  return stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u", namespace: "guardbee-system" } }],
  });
}
