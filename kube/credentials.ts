import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Agent, RequestOptions } from "node:https";
import type { Clock } from "./clock.ts";

/** Who we are to which API server. Files are read again when what was read is 30 s old. */
export type Credentials = {
  readonly server: URL;
  /** The namespace of the pod, or of the kubeconfig's current context. */
  readonly namespace: string;
  /** What a request needs now; `renew` reads tokens and certificates again first. */
  current(renew: "renew" | "cached"): Promise<Access>;
};

/** Headers and TLS material of one request. */
export type Access = {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Set when the kubeconfig names a proxy; it replaces the connection's own agent. */
  readonly proxy?: Agent;
};

export type TlsMaterial = {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
};

const maxAgeMs = 30_000;
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Which kubeconfig, and which of its contexts; default KUBECONFIG and its current one. */
export type KubeconfigChoice = {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
};

/**
 * Credentials from KUBECONFIG or `~/.kube/config` when one exists, else of the pod we run in.
 * Throws when there is neither.
 */
export async function loadCredentials(
  clock: Clock,
  choice: KubeconfigChoice = {},
): Promise<Credentials> {
  const inCluster = process.env.KUBERNETES_SERVICE_HOST !== undefined;
  const named = choice.kubeconfig ?? process.env.KUBECONFIG ?? choice.context;
  if (named === undefined && inCluster) return podCredentials(clock, serviceAccountFolder);
  if (named !== undefined || existsSync(`${process.env.HOME}/.kube/config`)) {
    return kubeconfigCredentials(clock, choice);
  }
  throw new Error("no API server is known; set KUBECONFIG, pass --kubeconfig or run in a pod");
}

/**
 * Credentials of a pod. Written here and not taken from client-node, because importing that adds
 * 90 MB of resident memory to every agent for what is two files and two variables.
 */
async function podCredentials(clock: Clock, folder: string): Promise<Credentials> {
  const host = process.env.KUBERNETES_SERVICE_HOST ?? "";
  const port = process.env.KUBERNETES_SERVICE_PORT ?? "443";
  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    namespace: (await readFile(`${folder}/namespace`, "utf8")).trim(),
    current: cached(clock, async () => {
      const [token, ca] = await Promise.all([
        readFile(`${folder}/token`, "utf8"),
        readFile(`${folder}/ca.crt`),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    }),
  };
}

/** There is no usable way to the cluster in what was given; the message says where and why. */
export class KubeconfigError extends Error {
  readonly code = "GUARDBEE_KUBECONFIG";
}

/** Credentials of a kubeconfig, through client-node: exec plugins, OIDC, token files, proxies. */
async function kubeconfigCredentials(
  clock: Clock,
  { kubeconfig: file, context }: KubeconfigChoice,
): Promise<Credentials> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const where = file ?? process.env.KUBECONFIG ?? "~/.kube/config";
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (cause) {
    throw new KubeconfigError(`${where}: is no kubeconfig: ${(cause as Error).message}`, { cause });
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new KubeconfigError(
        `${where}: has no context ${context}; it has ${known.join(", ") || "none"}`,
      );
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new KubeconfigError(`${where}: names no current cluster; set current-context`);
  }
  const server = new URL(cluster.server);
  const proxied = cluster.proxyUrl !== undefined && cluster.proxyUrl !== "";
  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    current: cached(clock, async () => {
      if (server.protocol === "http:") return { headers: {}, tls: {} };
      const options: RequestOptions = { headers: {} };
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, servername, rejectUnauthorized } = options;
      const tls = Object.fromEntries(
        Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(
          ([, value]) => value !== undefined,
        ),
      ) as TlsMaterial;
      const access = { headers: authorization(options), tls };
      return proxied ? { ...access, proxy: options.agent as Agent } : access;
    }),
  };
}

/** Headers as client-node set them; a user name and password become a Basic header. */
function authorization(options: RequestOptions): Record<string, string> {
  const headers = options.headers as Record<string, string>;
  if (typeof options.auth !== "string") return headers;
  return { ...headers, authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` };
}

/** `load` at most every 30 s, unless told to renew. Concurrent callers share one load. */
function cached(clock: Clock, load: () => Promise<Access>): Credentials["current"] {
  let kept: { readonly atMs: number; readonly access: Promise<Access> } | undefined;
  return (renew) => {
    const nowMs = clock.monotonic();
    if (kept === undefined || renew === "renew" || nowMs - kept.atMs > maxAgeMs) {
      const access = load();
      kept = { atMs: nowMs, access };
      access.catch(() => {
        kept = undefined; // a failed read is tried again by the next request
      });
    }
    return kept.access;
  };
}
