import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  applyObject,
  applyStatus,
  deleteObject,
  getObject,
  type KubeConnection,
  type KubeObject,
  type Resource,
  resources,
} from "@guardbee/kube";
import { nodeDigest, type PolicyStatus, resourceOf, type SelectorSet } from "@guardbee/policy";
import pino from "pino";
import { parseAllDocuments } from "yaml";
import { type ApiServer, type ServerFlags, startApiServer } from "../../kube/testing/api-server.ts";
import { findOpa } from "../bundle/testing/opa.ts";
import { hostsOfTest } from "../bundle/testing/web-server.ts";
import { type OperatorOptions, runOperator } from "../main.ts";

const root = new URL("../../", import.meta.url);
const never = new AbortController().signal;
const tester = { fieldManager: "test", force: true };

export type NodeOptions = {
  readonly labels?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
  readonly kernel?: string;
};

/** All fields are required. */
const nodeInfo = {
  ...{ architecture: "amd64", bootID: "", containerRuntimeVersion: "", kubeProxyVersion: "" },
  ...{ kubeletVersion: "", machineID: "", operatingSystem: "linux", osImage: "", systemUUID: "" },
};

/** A real API server with crds/ and config/base applied, and an operator with the rights of that. */
export class TestCluster {
  readonly kube: KubeConnection;
  /** For kubectl, as a member of system:masters. */
  readonly access: { readonly server: string; readonly token: string };
  readonly #api: ApiServer;
  /** Each stops one operator. Written by startOperator and stopOperator. */
  readonly #operators = new Set<() => Promise<void>>();

  static async start(flags: ServerFlags = {}): Promise<TestCluster> {
    const api = await startApiServer(flags);
    const cluster = new TestCluster(api);
    const crds = await namesIn("crds/");
    const base = await namesIn("config/base/");
    for (const name of [...crds, ...base]) {
      for (const object of await readYaml(new URL(name, root))) {
        // It would call a Service, which takes a network.
        if (object.kind === "ValidatingWebhookConfiguration") continue;
        await cluster.apply(discovered(object), object);
      }
    }
    await eventually(
      "RegoPolicy served",
      () => cluster.list(resourceOf("RegoPolicyNamespaced")),
      Array.isArray,
    );
    return cluster;
  }

  private constructor(api: ApiServer) {
    this.#api = api;
    this.kube = api.connection;
    this.access = { server: api.url.href, token: api.token };
  }

  async stop(): Promise<void> {
    await this.stopOperator();
    await this.#api.stop();
  }

  /** Beside those that run, if any do. What it gives stops this one. */
  async startOperator(options: Partial<OperatorOptions> = {}): Promise<() => Promise<void>> {
    const connection = await this.connectAs("guardbee-operator");
    const stop = new AbortController();
    const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
    const namespace = "guardbee-system";
    const leaderElection = "none";
    const found = findOpa();
    const opa = found === undefined ? {} : { opa: found };
    const bundleHosts = hostsOfTest;
    const ended = runOperator(
      {
        connection,
        log,
        namespace,
        leaderElection,
        statusIntervalMs: 200,
        bundleHosts,
        ...opa,
        ...options,
      },
      stop.signal,
    );
    const stopIt = async () => {
      this.#operators.delete(stopIt);
      stop.abort();
      await ended;
      connection.close();
    };
    this.#operators.add(stopIt);
    return stopIt;
  }

  /** A connection with the token of a service account in our namespace. */
  async connectAs(account: string, boundObjectRef?: object): Promise<KubeConnection> {
    return this.as(await this.tokenOf(account, boundObjectRef));
  }

  as(token: string): KubeConnection {
    return this.#api.as(token);
  }

  /** A token as the kubelet gets it for a pod with this service account. */
  async tokenOf(account: string, boundObjectRef?: object): Promise<string> {
    const path = `/api/v1/namespaces/guardbee-system/serviceaccounts/${account}/token`;
    const expirationSeconds = 86_400;
    const spec = { expirationSeconds, ...(boundObjectRef === undefined ? {} : { boundObjectRef }) };
    const { status } = await this.kube.request<{ status: { token: string } }>(
      { method: "POST", path, body: { spec } },
      never,
    );
    return status.token;
  }

  /** Lets the operator get one object, as a namespace's administrator does. */
  async grant(plural: string, ref: { readonly namespace: string; readonly name: string }) {
    const { namespace, name } = ref;
    const metadata = { namespace, name: `guardbee-${plural}-${name}` };
    const rules = [{ apiGroups: [""], resources: [plural], resourceNames: [name], verbs: ["get"] }];
    await this.apply(rbac("Role"), { metadata, rules });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name };
    const account = { namespace: "guardbee-system", name: "guardbee-operator" };
    const subjects = [{ kind: "ServiceAccount", ...account }];
    await this.apply(rbac("RoleBinding"), { metadata, roleRef, subjects });
  }

  /** Makes etcd forget all but what is there now. */
  compact(): Promise<void> {
    return this.#api.compact();
  }

  /** Stops and starts the API server on the same port. */
  restartApiServer(): Promise<void> {
    return this.#api.restart();
  }

  /** Each that runs. */
  async stopOperator(): Promise<void> {
    await Promise.all([...this.#operators].map((stop) => stop()));
  }

  async apply(resource: Resource, object: unknown): Promise<void> {
    await applyObject(this.kube, { resource, object: object as never }, tester, never);
  }

  /** A node as its kubelet registers it. */
  async addNode(
    name: string,
    { labels = {}, ready = true, kernel = "6.1.0" }: NodeOptions = {},
  ): Promise<void> {
    await this.apply(resources.node, { metadata: { name, labels } });
    const conditions = [{ type: "Ready", status: ready ? "True" : "Unknown", reason: "Kubelet" }];
    await this.applyStatus(resources.node, name, {
      conditions,
      nodeInfo: { ...nodeInfo, kernelVersion: kernel },
    });
  }

  /** What an agent reports: all sets of its node programmed, but for `exceptions` (set → why not). */
  async report(
    node: string,
    exceptions: Readonly<Record<string, string>> = {},
    more: object = {},
  ): Promise<void> {
    const get = async (resource: Resource, name: string) => {
      const object = await getObject(this.kube, resource, { name }, never);
      return object?.spec as { readonly sets: string[]; readonly hash: string };
    };
    const entries: { name: string; hash: string }[] = [];
    const failed: object[] = [];
    for (const name of (await get(resourceOf("NodePolicySet"), node)).sets) {
      const { hash } = await get(resourceOf("SelectorSet"), name);
      const message = exceptions[name];
      if (message === undefined) entries.push({ name, hash });
      else failed.push({ set: name, hash, state: "failed", reason: "KernelLacks", message });
    }
    const status = { digest: nodeDigest(entries), exceptions: failed, ...more };
    await this.applyStatus(resourceOf("NodePolicySet"), node, status, "guardbee-agent");
  }

  /** Of a cluster object. */
  async applyStatus(
    resource: Resource,
    name: string,
    status: object,
    fieldManager = "test",
  ): Promise<void> {
    const target = { resource, object: { metadata: { name }, status } };
    await applyStatus(this.kube, target, { fieldManager, force: true }, never);
  }

  async delete(resource: Resource, name: string, namespace?: string): Promise<void> {
    const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
    await deleteObject(this.kube, resource, ref, never);
  }

  async list(resource: Resource): Promise<readonly KubeObject[]> {
    const api = resource.group === "" ? "api" : `apis/${resource.group}`;
    const path = `/${api}/${resource.version}/${resource.plural}`;
    return (await this.kube.request<{ items: KubeObject[] }>({ path }, never)).items;
  }

  async status(resource: Resource, name: string, namespace?: string): Promise<PolicyStatus> {
    const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
    return ((await getObject(this.kube, resource, ref, never))?.status ?? {}) as PolicyStatus;
  }

  /** Waits for `STATUS REASON` of Accepted; gives the whole status. */
  async accepted(
    resource: Resource,
    name: string,
    want: string,
    namespace?: string,
  ): Promise<PolicyStatus & { readonly message: string }> {
    let status: PolicyStatus = {};
    let message = "";
    await eventually(
      `Accepted of ${name}`,
      async () => {
        status = await this.status(resource, name, namespace);
        const found = status.conditions?.find(({ type }) => type === "Accepted");
        message = found?.message ?? "";
        return `${found?.status} ${found?.reason}`;
      },
      want,
      () => message,
    );
    return { ...status, message };
  }

  /** Sets in a SelectorSet object; undefined: there is none. */
  async sets(name: string): Promise<readonly SelectorSet[] | undefined> {
    const object = await getObject(this.kube, resourceOf("SelectorSet"), { name }, never);
    return (object?.spec as { readonly sets: SelectorSet[] } | undefined)?.sets;
  }
}

/** Waits until `look` gives `want` (a value, or a test of it); at most 30 s. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  want: T | ((value: T) => boolean),
  more: () => string = () => "",
): Promise<T> {
  let last: unknown;
  for (let tries = 0; tries < 300; tries++) {
    try {
      const value = await look();
      last = value;
      const good = typeof want === "function" ? (want as (v: T) => boolean)(value) : value === want;
      if (good) return value;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what}: is still ${String(last)}; wanted ${String(want)}; ${more()}`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(new URL(folder, root))).filter((name) => name.endsWith(".yaml"));
  return names.sort().map((name) => folder + name);
}

export async function readYaml(file: URL): Promise<readonly Record<string, unknown>[]> {
  const documents = parseAllDocuments(await readFile(file, "utf8"));
  return (documents as { toJS(): Record<string, unknown> }[]).map((one) => one.toJS());
}

function rbac(kind: "Role" | "RoleBinding"): Resource {
  const group = "rbac.authorization.k8s.io";
  return { group, version: "v1", namespaced: true, kind, plural: `${kind.toLowerCase()}s` };
}

/** Enough of the API's discovery for what config/base and crds hold. */
function discovered(object: Record<string, unknown>): Resource {
  const version = String(object.apiVersion);
  const kind = String(object.kind);
  const [group, name] = version.includes("/") ? version.split("/") : ["", version];
  const plural = `${kind.toLowerCase().replace(/y$/, "ie")}s`;
  const namespaced = (object.metadata as { namespace?: string }).namespace !== undefined;
  return { group: group!, version: name!, kind, plural, namespaced };
}
