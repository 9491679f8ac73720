import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { KubeError, objectPath } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { stringify } from "yaml";
import { freePort, whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, readYaml, TestCluster } from "../testing/test-cluster.ts";
import { webhookConfiguration as configuration } from "./certificates.ts";
import { createClientCa, type Pem } from "./testing/client-certificates.ts";

const never = new AbortController().signal;
const tracingPolicy = resourceOf("TracingPolicy");
const name = "kube-apiserver-webhooks";

describe("a webhook for the API server alone", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let folder: string;
  let port: number;
  let clients: Awaited<ReturnType<typeof createClientCa>>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "guardbee-clients-"));
    clients = await createClientCa();
    const own = await clients.issue(name);
    const config = await writeAdmissionConfiguration(folder, own);
    cluster = await TestCluster.start({
      apiserver: [`--admission-control-config-file=${config}`],
    });
    port = await freePort();
    const { ca } = clients;
    const address = { port, host: "127.0.0.1", names: ["127.0.0.1"] };
    await cluster.startOperator({ webhook: { ...address, clients: { ca, names: [name] } } });
    const file = new URL("../../config/base/webhook.yaml", import.meta.url);
    const object = (await readYaml(file)).find(({ kind }) => kind === configuration.kind);
    const [webhook] = object!.webhooks as [Record<string, unknown>];
    const clientConfig = { url: `https://127.0.0.1:${port}/validate` };
    // So that a review without an answer is seen.
    const webhooks = [{ ...webhook, clientConfig, failurePolicy: "Fail" }];
    await cluster.apply(configuration, { ...object, webhooks });
  });
  after(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const tryCreate = async (spec: object) => {
    const path = objectPath(tracingPolicy, { name: "p" }).replace(/\/p$/, "");
    const object = { apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy" };
    const body = { ...object, metadata: { name: "p" }, spec };
    const query = { dryRun: "All" };
    try {
      await cluster.kube.request({ method: "POST", path, query, body }, never);
      return "written";
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return error.message;
    }
  };
  const kprobe = { call: "fd_install", syscall: false, args: [{ index: 0, type: "int" }] };
  const monitored = { options: [{ name: "policy-mode", value: "monitor" }] };

  test("the API server's reviews are answered", async () => {
    await eventually("written", () => tryCreate({ kprobes: [kprobe], ...monitored }), "written");
    const matchArgs = [{ index: 3, operator: "Equal", values: ["1"] }];
    const bad = { kprobes: [{ ...kprobe, selectors: [{ matchArgs }] }] };
    assert.match(await tryCreate(bad), /denied the request: spec\.kprobes\[0\]/);
  });

  /** What somebody else gets who posts a review. */
  const post = (by: Partial<Pem>) =>
    new Promise<string>((resolve, reject) => {
      const to = { host: "127.0.0.1", port, path: "/validate", method: "POST", agent: false };
      const tls = { rejectUnauthorized: false, cert: by.certificate, key: by.key };
      const headers = { "content-type": "application/json" };
      request({ ...to, ...tls, headers }, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(`${response.statusCode} ${text.trim()}`);
      })
        .on("error", reject)
        .end("{}");
    });
  const required = "403 a client certificate of the CA that is configured is required";

  test("whoever has no certificate, another CA's, a server's or another name is refused", async () => {
    const others = await createClientCa();
    assert.equal(await post({}), required);
    assert.equal(await post(await others.issue(name)), required);
    assert.equal(await post(await clients.issue(name, "server")), required);
    const otherName = `403 the client certificate's common name is none of ${name}`;
    assert.equal(await post(await clients.issue("system:node:a")), otherName);
    const own = await post(await clients.issue(name));
    assert.equal(own, "400 the body is no AdmissionReview of admission.k8s.io/v1");
  });
});

/** The one in docs/concepts/admission.md, but that a Service is not called here. */
async function writeAdmissionConfiguration(folder: string, own: Pem): Promise<string> {
  const kubeconfig = join(folder, "webhooks.kubeconfig");
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const user = {
    "client-certificate-data": base64(own.certificate),
    "client-key-data": base64(own.key),
  };
  const users = [{ name: "*", user }];
  await writeFile(kubeconfig, stringify({ apiVersion: "v1", kind: "Config", users }));
  const file = join(folder, "admission.yaml");
  const apiVersion = "apiserver.config.k8s.io/v1";
  const plugin = { apiVersion, kind: "WebhookAdmissionConfiguration", kubeConfigFile: kubeconfig };
  const plugins = [{ name: "ValidatingAdmissionWebhook", configuration: plugin }];
  await writeFile(file, stringify({ apiVersion, kind: "AdmissionConfiguration", plugins }));
  return file;
}
