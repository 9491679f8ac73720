import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import {
  getObject,
  type KubeConnection,
  KubeError,
  ManualClock,
  objectPath,
  type Resource,
  resources,
  systemClock,
} from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import pino from "pino";
import { findKubectl, whyNoApiServer } from "../../kube/testing/api-server.ts";
import { skipReason } from "../../kube/testing/must-run.ts";
import type { OperatorOptions } from "../main.ts";
import { guardRailsConfigMap } from "../rego/switches.ts";
import { eventually, readYaml, TestCluster } from "../testing/test-cluster.ts";
import { admit, type Judge } from "./admit.ts";
import { Certificates, webhookConfiguration as configuration } from "./certificates.ts";
import { serveAdmission } from "./server.ts";

const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");
const execPolicy = resourceOf("ExecPolicy");
const execPolicyNamespaced = resourceOf("ExecPolicyNamespaced");
const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const kinds = [
  ...[tracingPolicy, tracingPolicyNamespaced, execPolicy, execPolicyNamespaced],
  ...[regoPolicy, regoPolicyNamespaced],
];
const never = new AbortController().signal;
const dayMs = 86_400_000;
const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });

const kprobe = (more: object) => ({
  ...{ call: "fd_install", syscall: false, args: [{ index: 0, type: "int" }] },
  ...more,
});
/** A guard rail refuses it where it may stop anything of the system. */
const kill = { kprobes: [kprobe({ selectors: [{ matchActions: [{ action: "Sigkill" }] }] })] };
const good = { ...kill, options: [{ name: "policy-mode", value: "monitor" }] };
/** Right by the schema; no argument has index 3. */
const bad = {
  kprobes: [
    kprobe({ selectors: [{ matchArgs: [{ index: 3, operator: "Equal", values: ["1"] }] }] }),
  ],
};
const modules = [{ name: "a.rego", rego: "package guardbee.generate\npolicies := {}\n" }];

/** A valid policy of each kind. */
function aPolicy(resource: Resource, name = "probe"): Record<string, unknown> {
  const metadata = { name, ...(resource.namespaced ? { namespace: "default" } : {}) };
  const spec = resource.kind.startsWith("TracingPolicy")
    ? good
    : resource.kind.startsWith("ExecPolicy")
      ? {
          rules: {
            selectors: [
              { matchPIDs: [{ operator: "NotIn", isNamespacePID: true, values: [0] }] },
              { matchBinarys: { operator: "In", values: ["/bin/nc"] } },
              { matchActions: [{ action: "Sigkill" }] },
            ],
          },
        }
      : { role: "Generate", evaluate: "WholeSet", modules };
  return {
    apiVersion: `${resource.group}/${resource.version}`,
    kind: resource.kind,
    metadata,
    spec,
  };
}

describe("admission on a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let folder: string;
  /** Of the replicas of one test. */
  let stop: AbortController;
  beforeEach(() => {
    stop = new AbortController();
  });
  before(async () => {
    cluster = await TestCluster.start();
    folder = await mkdtemp(join(tmpdir(), "guardbee-admission-"));
  });
  after(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    stop.abort();
    await cluster.stopOperator();
    await cluster.delete(configuration, "guardbee");
    await emptySecret();
  });

  async function emptySecret(): Promise<void> {
    const ref = { namespace: "guardbee-system", name: "guardbee-webhook" };
    const body = [{ op: "replace", path: "/data", value: {} }];
    const contentType = "application/json-patch+json";
    const path = objectPath(resources.secret, ref);
    await cluster.kube.request({ method: "PATCH", path, body, contentType }, never);
  }

  /** As config/base has it, but for where it is: nobody routes to a Service here. */
  async function pointWebhookAt(port: number, changes: object = {}): Promise<void> {
    const file = new URL("../../config/base/webhook.yaml", import.meta.url);
    const object = (await readYaml(file)).find(({ kind }) => kind === configuration.kind);
    const [webhook] = object!.webhooks as [Record<string, unknown>];
    const clientConfig = { url: `https://127.0.0.1:${port}/validate` };
    const webhooks = [{ ...webhook, clientConfig, ...changes }];
    await cluster.apply(configuration, { ...object, webhooks });
  }

  async function startOperator(options: Partial<OperatorOptions> = {}): Promise<number> {
    let port = 0;
    const listening = (opened: number) => {
      port = opened;
    };
    const webhook = { port: 0, host: "127.0.0.1", names: ["127.0.0.1"], listening };
    await cluster.startOperator({ webhook, ...options });
    return eventually(
      "port",
      async () => port,
      (opened) => opened > 0,
    );
  }

  /** What the API server says to a write of `object`: `created`, or the refusal. */
  async function tryWrite(
    resource: Resource,
    object: { readonly metadata?: unknown; readonly spec?: unknown },
    { dryRun = true, method = "POST" as "POST" | "PUT" } = {},
  ): Promise<string> {
    const { name, namespace } = object.metadata as { name: string; namespace?: string };
    const whole = objectPath(resource, { name, ...(namespace ? { namespace } : {}) });
    const path = method === "PUT" ? whole : whole.slice(0, whole.lastIndexOf("/"));
    const query = dryRun ? { dryRun: "All" } : {};
    const body = {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      ...object,
    };
    try {
      await cluster.kube.request({ method, path, query, body }, never);
      return "written";
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return `${error.status} ${error.reason} ${error.message}`;
    }
  }

  const denial =
    /^422 Invalid .*admission webhook "policies\.guardbee\.io" denied the request: spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs\[0\]\.index: /;
  const isDenied = (answer: string) => denial.test(answer);
  const tryBad = () => tryWrite(tracingPolicy, { metadata: { name: "bad" }, spec: bad });

  test("a bad policy is refused with its field, a refused one stays repairable", async () => {
    // From before the webhook was there.
    await cluster.apply(tracingPolicy, { metadata: { name: "old" }, spec: bad });
    const port = await startOperator();
    await pointWebhookAt(port);
    await eventually("dry-run denied", tryBad, isDenied);
    const object = { metadata: { name: "bad" }, spec: bad };
    assert.match(await tryWrite(tracingPolicy, object, { dryRun: false }), denial);
    assert.equal(await getObject(cluster.kube, tracingPolicy, { name: "bad" }, never), undefined);
    const namespaced = { metadata: { name: "bad", namespace: "default" }, spec: bad };
    assert.match(await tryWrite(tracingPolicyNamespaced, namespaced), denial);
    for (const resource of kinds) {
      assert.equal(await tryWrite(resource, aPolicy(resource)), "written", resource.kind);
    }
    const own = { metadata: { name: "bad", namespace: "guardbee-system" }, spec: bad };
    assert.equal(await tryWrite(tracingPolicyNamespaced, own), "written", "own namespace");

    const stored = await getObject(cluster.kube, tracingPolicy, { name: "old" }, never);
    const { metadata } = stored!;
    const annotated = { ...stored, metadata: { ...metadata, annotations: { note: "to repair" } } };
    const update = { dryRun: true, method: "PUT" as const };
    assert.equal(await tryWrite(tracingPolicy, annotated, update), "written");
    const held = { ...stored, metadata: { ...metadata, finalizers: ["example.io/held"] } };
    assert.equal(await tryWrite(tracingPolicy, held, update), "written");
    const edited = { ...stored, spec: { ...bad, options: [] } };
    assert.match(await tryWrite(tracingPolicy, edited, update), denial);
    assert.equal(await tryWrite(tracingPolicy, { ...stored, spec: good }, update), "written");
    await cluster.delete(tracingPolicy, "old");
  });

  test("100,000 values are refused with the bound: by the schema, by the webhook, in the status", async () => {
    const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);
    const selector = (count: number) => ({
      matchBinaries: [{ operator: "In", values: paths(count) }],
    });
    const large = (...selectors: readonly object[]) => ({
      metadata: { name: "large" },
      spec: { kprobes: [{ call: "fd_install", syscall: false, selectors }] },
    });
    const oneList = await tryWrite(tracingPolicy, large(selector(100_000)));
    assert.match(
      oneList,
      /^422 Invalid .*\.values: Too many: 100000: must have at most 10000 items/,
    );
    const many = large(...Array.from({ length: 50 }, () => selector(2_000)));
    await cluster.apply(tracingPolicy, many); // from before the webhook was there
    const port = await startOperator();
    await pointWebhookAt(port);
    const said = "spec: has 100000 values; at most 10000 in one policy: split it";
    const other = { ...many, metadata: { name: "other" } };
    await eventually(
      "the webhook's refusal",
      () => tryWrite(tracingPolicy, other),
      (answer) => answer.startsWith("422 Invalid ") && answer.includes(said),
    );
    const { message } = await cluster.accepted(tracingPolicy, "large", "False InvalidSpec");
    assert.equal(message, said);
    await cluster.delete(tracingPolicy, "large");
  });

  test("a guard rail's refusal is what kubectl prints; Rego that does not compile is refused", async () => {
    const port = await startOperator();
    await pointWebhookAt(port);
    const kubeSystem = { metadata: { name: "kill", namespace: "kube-system" }, spec: kill };
    const answer = await eventually(
      "refusal",
      () => tryWrite(tracingPolicyNamespaced, kubeSystem),
      (one) => one !== "written",
    );
    assert.match(
      answer,
      /^403 Forbidden .*denied the request: .*\(guard rail .*system-namespaces\)/,
    );
    const broken = aPolicy(regoPolicy);
    const rego = "package guardbee.generate\n\npolicies := nowhere(1)\n";
    const spec = { ...(broken.spec as object), modules: [{ name: "a.rego", rego }] };
    assert.match(
      await tryWrite(regoPolicy, { ...broken, spec }),
      /^422 Invalid .*denied the request: a\.rego:3:\d+: .*nowhere/,
    );
  });

  test("a replica that does not lead asks the guard rails too, as they change", async () => {
    const spec = { holderIdentity: "another", leaseDurationSeconds: 3_600 };
    const held = { ...spec, renewTime: new Date().toISOString().replace("Z", "000Z") };
    const ref = { name: "guardbee-operator", namespace: "guardbee-system" };
    await cluster.apply(resources.lease, { metadata: ref, spec: held });
    const rail = (what: string) => ({
      metadata: { name: "rail" },
      spec: {
        role: "Guardrail",
        modules: [
          {
            name: "rail.rego",
            rego: `package guardbee.guardrail\n\ndecision := {"deny": [{"field": "spec", "what": "${what}", "fix": "ask"}]}\n`,
          },
        ],
      },
    });
    await cluster.apply(regoPolicy, rail("is frozen"));
    const port = await startOperator({ leaderElection: "lease" });
    await pointWebhookAt(port);
    const tryGood = () => tryWrite(tracingPolicy, { metadata: { name: "good" }, spec: good });
    const says = (text: string) => (answer: string) => answer.includes(text);
    await eventually("refusal", tryGood, says("spec: is frozen (guard rail RegoPolicy rail); ask"));
    await cluster.apply(regoPolicy, rail("is thawing"));
    await eventually("the new refusal", tryGood, says("spec: is thawing (guard rail"));
    // The schema's own Ready=Unknown is all of the status: this replica writes nothing.
    const { conditions } = await cluster.status(regoPolicy, "rail");
    assert.deepEqual(
      conditions?.map(({ type, status }) => `${type} ${status}`),
      ["Ready Unknown"],
    );
    await cluster.delete(regoPolicy, "rail");
    await eventually("no refusal", tryGood, "written");
    const kubeSystem = { metadata: { name: "kill", namespace: "kube-system" }, spec: kill };
    const tryKill = () => tryWrite(tracingPolicyNamespaced, kubeSystem);
    const byRail = says("(guard rail builtin/system-namespaces)");
    await eventually("refusal by a built-in one", tryKill, byRail);
    const metadata = { name: guardRailsConfigMap, namespace: "guardbee-system" };
    const data = { "system-namespaces": "disabled" };
    await cluster.apply(resources.configMap, { metadata, data });
    await eventually("no refusal", tryKill, "written");
    await cluster.delete(resources.configMap, metadata.name, metadata.namespace);
    await eventually("refusal again", tryKill, byRail);
    await cluster.delete(resources.lease, ref.name, ref.namespace);
  });

  test("replicas that start together serve the same certificate, issued once", async () => {
    const connection = await cluster.connectAs("guardbee-operator");
    const clock = new ManualClock(Date.now());
    await pointWebhookAt(1);
    const replicas = await Promise.all([1, 2, 3].map(() => startReplica(connection, clock)));
    await Promise.all(replicas.map(({ certificates }) => certificates.tried));
    const serials = await Promise.all(replicas.map(({ port }) => serialAt(port)));
    assert.equal(new Set(serials).size, 1);
    assert.equal((await trusted()).length, 1);
    connection.close();
  });

  test("a rotation: requests succeed throughout, and each CA is trusted before and after", async () => {
    const connection = await cluster.connectAs("guardbee-operator");
    // In the past, so that the API server, which has no manual clock, takes both certificates.
    const clock = new ManualClock(Date.now() - 61 * dayMs);
    const refuse: Judge = async () => ({
      kind: "refused",
      reason: "InvalidSpec",
      problems: [
        {
          ...{ field: "spec.kprobes[0].selectors[0].matchArgs[0].index", kind: "invalid" },
          ...{ what: "is judged", fix: "go on" },
        },
      ],
    });
    const replicas = await Promise.all([1, 2].map(() => startReplica(connection, clock, refuse)));
    await pointWebhookAt(replicas[0]!.port);
    await clock.asleep(2);
    await clock.advance(60_000); // the first try was before the configuration
    await eventually("denied", tryBad, isDenied);

    let rotating = true;
    const answers: string[] = [];
    const asking = (async () => {
      while (rotating) answers.push(await tryBad());
    })();
    const states: string[] = [];
    const names = new Map<string, string>();
    const nameOf = (serial: string) => {
      if (!names.has(serial)) names.set(serial, "ABC"[names.size]!);
      return names.get(serial)!;
    };
    const look = async () => {
      const serving = await Promise.all(replicas.map(({ port }) => serialAt(port)));
      states.push(`${serving.map(nameOf).join("")} ${(await trusted()).length}`);
      const asked = answers.length;
      await eventually(
        "asked again",
        async () => answers.length,
        (count) => count > asked + 2,
      );
    };
    await look();
    for (const ms of [60 * dayMs, 3_600_000, 3_600_000]) {
      await clock.advance(ms);
      await clock.asleep(2);
      await clock.advance(60_000); // one of the two looked before the other wrote
      await clock.asleep(2);
      await look();
    }
    rotating = false;
    await asking;
    assert.deepEqual(states, ["AA 1", "AA 2", "BB 2", "BB 1"]);
    assert.deepEqual(
      answers.filter((one) => !isDenied(one)),
      [],
    );
    connection.close();
  });

  /** A webhook with the operator's rights, and nothing else of an operator. */
  async function startReplica(
    connection: KubeConnection,
    clock: ManualClock,
    judge: Judge = async () => ({ kind: "guards", rego: {} }),
  ): Promise<{ readonly certificates: Certificates; readonly port: number }> {
    const { signal } = stop;
    const server = await serveAdmission(
      {
        ...{ port: 0, host: "127.0.0.1", ready: () => true, clock: systemClock, log },
        admit: (request, within) => admit(request, judge, within),
      },
      signal,
    );
    const { serve, port } = server;
    const namespace = "guardbee-system";
    const certificates = new Certificates({
      ...{ connection, namespace, hosts: ["127.0.0.1"], serve, clock, log },
    });
    certificates.run(signal);
    return { certificates, port };
  }

  /** CAs in the configuration. */
  async function trusted(): Promise<readonly string[]> {
    const object = (await getObject(cluster.kube, configuration, { name: "guardbee" }, never)) as {
      webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
    };
    const pem = Buffer.from(object.webhooks?.[0]?.clientConfig.caBundle ?? "", "base64");
    return pem.toString().match(/-----BEGIN CERTIFICATE-----/g) ?? [];
  }

  async function serialAt(port: number): Promise<string> {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const raw = socket.getPeerCertificate().raw;
    socket.destroy();
    return new X509Certificate(raw).serialNumber;
  }

  const kubectl = findKubectl();

  describe("kubectl", { skip: skipReason(kubectl ? false : "kubectl is not built") }, () => {
    /** Exit code and all that it printed. */
    async function run(...args: readonly string[]): Promise<{ code: number; text: string }> {
      const { server, token } = cluster.access;
      const access = [`--server=${server}`, `--token=${token}`, "--insecure-skip-tls-verify"];
      const env = { ...process.env, HOME: folder, KUBECONFIG: join(folder, "none") };
      const child = spawn(kubectl!, [...access, ...args], { env });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          text += chunk;
        });
      }
      const [code] = (await once(child, "close")) as [number];
      return { code, text };
    }

    async function fileOf(objects: readonly object[]): Promise<string> {
      const file = join(folder, "objects.json");
      const list = { apiVersion: "v1", kind: "List", items: objects };
      await writeFile(file, JSON.stringify(list));
      return file;
    }

    /** Both commands, for an object of every kind that is new and one that is changed. */
    async function worksForEveryKind(): Promise<void> {
      const changed = kinds.map((resource) => {
        const object = aPolicy(resource);
        return { ...object, metadata: { ...(object.metadata as object), labels: { a: "b" } } };
      });
      const added = kinds.map((resource) => aPolicy(resource, "added"));
      const file = await fileOf([...changed, ...added]);
      const dryRun = await run("apply", "--dry-run=server", "-f", file);
      assert.equal(dryRun.code, 0, dryRun.text);
      assert.equal(dryRun.text.match(/\(server dry run\)/g)?.length, 2 * kinds.length, dryRun.text);
      const diff = await run("diff", "-f", file);
      assert.equal(diff.code, 1, diff.text); // 1: there are differences; above: it failed
      assert.equal(diff.text.match(/^\+ {4}a: b$/gm)?.length, kinds.length, diff.text);
    }

    before(async () => {
      const existing = await fileOf(kinds.map((resource) => aPolicy(resource)));
      const { code, text } = await run("apply", "-f", existing);
      assert.equal(code, 0, text);
    });

    test("dry-run and diff work for every kind with the webhook up; a bad policy is named", async () => {
      const port = await startOperator();
      await pointWebhookAt(port);
      await eventually("denied", tryBad, isDenied);
      await worksForEveryKind();
      const wrong = { ...aPolicy(tracingPolicy, "bad"), spec: bad };
      for (const args of [["apply"], ["apply", "--dry-run=server"], ["diff"]]) {
        const { code, text } = await run(...args, "-f", await fileOf([wrong]));
        assert.ok(code > 0, text);
        assert.match(text, /denied the request: spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs/);
      }
    });

    test("dry-run and diff work for every kind with the webhook down", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, "close");
      await pointWebhookAt(port);
      await worksForEveryKind();
    });

    test("dry-run and diff work for every kind with a webhook that never answers", async () => {
      let asked = 0;
      const sockets = new Set<{ destroy(): void }>();
      const server = createServer((socket) => {
        asked++;
        sockets.add(socket);
        socket.on("error", () => {}); // the API server gives up
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      // As in config/base, but for the time: it passes once for each object.
      await pointWebhookAt((server.address() as AddressInfo).port, { timeoutSeconds: 1 });
      await eventually("asked", async () => [await tryBad(), asked > 0].join(), "written,true");
      await worksForEveryKind();
      assert.ok(asked > kinds.length);
      server.close();
      for (const socket of sockets) socket.destroy();
    });

    test("config/base is applied twice without a change, and keeps certificates and CA", async () => {
      const base = new URL("../../config/base", import.meta.url).pathname;
      const mine = ["apply", "-k", base];
      const first = await run(...mine);
      assert.equal(first.code, 0, first.text);
      const connection = await cluster.connectAs("guardbee-operator");
      const replica = await startReplica(connection, new ManualClock(Date.now()));
      await replica.certificates.tried;
      assert.equal((await trusted()).length, 1);
      // kubectl calls every budget configured: it always sends the selector, which changes nothing.
      const budget = "poddisruptionbudget.policy/guardbee-operator";
      const where = ["-n", "guardbee-system", "-o", "jsonpath={.metadata.resourceVersion}"];
      const version = async () => (await run("get", budget, ...where)).text;
      const earlier = await version();
      const second = await run(...mine);
      const lines = second.text.trim().split("\n");
      assert.deepEqual(
        lines.filter((line) => !line.endsWith(" unchanged")),
        [`${budget} configured`],
      );
      assert.equal(await version(), earlier);
      const server = await run("apply", "--server-side", "--force-conflicts", "-f", base);
      assert.equal(server.code, 0, server.text);
      const diff = await run("diff", "--server-side", "-f", base);
      assert.deepEqual([diff.code, diff.text], [0, ""]);
      assert.equal((await trusted()).length, 1);
      connection.close();
    });
  });
});
