import { type KubeConnection, type KubeObject, type Resource, resources } from "@guardbee/kube";
import type { RegoPolicy } from "@guardbee/policy";
import {
  assertHostPatterns,
  BundleError,
  type BundleSource,
  type Credentials,
  listingOf,
  parseHttpUrl,
  parseOciReference,
  type Verification,
} from "../bundle/index.ts";
import { getGranted } from "./granted-object.ts";

/** Of a policy that has one. */
export type BundleSpec = NonNullable<RegoPolicy["spec"]["bundle"]>;

export type SourceOptions = {
  readonly connection: KubeConnection;
  /** Where credentials are, and ConfigMaps of cluster policies unless they say otherwise. */
  readonly ownNamespace: string;
};

/** Where the bundle of `policy` comes from, its ConfigMap or Secret read; else a BundleError. */
export async function sourceOf(
  policy: RegoPolicy,
  spec: BundleSpec,
  options: SourceOptions,
  signal: AbortSignal,
): Promise<BundleSource> {
  const pinned = spec.digest === undefined ? {} : { digest: spec.digest };
  if (spec.http !== undefined) {
    const { url, credentials, ca } = spec.http;
    const known = await credentialsOf(policy, credentials, parseHttpUrl(url), options, signal);
    return { kind: "http", url, ...pinned, ...known, ...(ca === undefined ? {} : { ca }) };
  }
  if (spec.oci !== undefined) {
    const { reference, credentials, ca, plainHttp = false } = spec.oci;
    const at = new URL(
      `${plainHttp ? "http" : "https"}://${parseOciReference(reference).registry}`,
    );
    const known = await credentialsOf(policy, credentials, at, options, signal);
    const transport = { ...(plainHttp ? { plainHttp } : {}), ...(ca === undefined ? {} : { ca }) };
    return { kind: "oci", reference, ...transport, ...pinned, ...known };
  }
  const { name, namespace } = spec.configMap!;
  const own = policy.metadata.namespace;
  if (own !== undefined && namespace !== undefined && namespace !== own) {
    const what = "spec.bundle.configMap.namespace: is another namespace";
    throw new BundleError("InvalidSource", `${what}; remove it`);
  }
  const ref = { name, namespace: own ?? namespace ?? options.ownNamespace };
  const found = await granted(resources.configMap, ref, options, signal);
  if (found === undefined) {
    const where = `ConfigMap ${ref.namespace}/${name}`;
    throw new BundleError("Unreachable", `${where}: is not there; create it`);
  }
  return configMapSource(found);
}

/** The signatures that the policy asks for. */
export function verificationOf({ verification }: BundleSpec): Verification | undefined {
  if (verification === undefined) return undefined;
  const { keys = [], artifactKeys = [], scope } = verification;
  return { keys, artifactKeys, ...(scope === undefined ? {} : { scope }) };
}

/** Whether the source can only ever give one bundle. */
export function isPinned({ digest, oci }: BundleSpec): boolean {
  return digest !== undefined || (oci !== undefined && /@sha256:/.test(oci.reference));
}

const defaultIntervalMs = 60_000;

/** Between two polls when all is well: from 5 s to a day. */
export function intervalOf({ pollInterval }: BundleSpec): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(pollInterval ?? "") ?? [];
  const factor = { s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? "s"] ?? 1_000;
  const givenMs = count === undefined ? defaultIntervalMs : Number(count) * factor;
  return Math.min(Math.max(givenMs, 5_000), 86_400_000);
}

/** On a Secret: its credentials may be used for bundles. Others beside the operator are not ours. */
const credentialsLabel = "guardbee.io/bundle-credentials";

/**
 * Of a Secret in the operator's own namespace that has the label, for the hosts that its `host` names:
 * whoever writes a RegoPolicy chooses the Secret's name and the URL, and must not get at any other.
 */
async function credentialsOf(
  policy: RegoPolicy,
  ref: { readonly name: string } | undefined,
  url: URL,
  options: SourceOptions,
  signal: AbortSignal,
): Promise<{ readonly credentials?: Credentials }> {
  if (ref === undefined) return {};
  if (policy.kind === "RegoPolicyNamespaced") {
    const what = "credentials: are for cluster RegoPolicies";
    throw new BundleError("InvalidSource", `${what}; use one, or a source without credentials`);
  }
  const { ownNamespace: namespace } = options;
  const found = await granted(resources.secret, { ...ref, namespace }, options, signal);
  const refuse = (what: string) => {
    throw new BundleError("InvalidSource", `Secret ${namespace}/${ref.name}: ${what}`);
  };
  if (found === undefined) return refuse("is not there; create it");
  if (found.metadata.labels?.[credentialsLabel] !== "true") {
    return refuse(`is not for bundles; give it the label ${credentialsLabel}=true`);
  }
  const { data = {} } = found as { readonly data?: Readonly<Record<string, string>> };
  const text = (key: string) => {
    const value = Object.hasOwn(data, key) ? data[key] : undefined;
    return value === undefined ? undefined : Buffer.from(value, "base64").toString();
  };
  const hosts = (text("host") ?? "").split(/[\s,]+/).filter((host) => host !== "");
  if (hosts.length === 0) {
    return refuse("does not say which host it is for; add host, such as bundles.example:8443");
  }
  try {
    assertHostPatterns(hosts);
  } catch {
    return refuse("has a host that names none; write name, name:port, *.domain or *.domain:port");
  }
  if (listingOf(hosts, url) === "no") {
    return refuse(
      "is for another host than the bundle's; add the host to it, or use another Secret",
    );
  }
  const known = new Map(
    (["token", "username", "password"] as const).flatMap((key) => {
      const value = text(key);
      return value === undefined || value.trim() === "" ? [] : [[key, value]];
    }),
  );
  if (!known.has("token") && !known.has("username")) {
    return refuse("has neither token nor username; add token, or username and password");
  }
  return { credentials: { hosts, ...Object.fromEntries(known) } };
}

function granted(
  resource: Resource,
  ref: { readonly namespace: string; readonly name: string },
  { connection, ownNamespace: namespace }: SourceOptions,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const account = { namespace, name: "guardbee-operator" };
  return getGranted(connection, resource, ref, { account, signal });
}

function configMapSource(object: KubeObject): BundleSource {
  const { data = {}, binaryData = {} } = object as {
    readonly data?: Readonly<Record<string, string>>;
    readonly binaryData?: Readonly<Record<string, string>>;
  };
  const binary = Object.entries(binaryData).map(
    ([key, text]) => [key, Buffer.from(text, "base64")] as const,
  );
  return { kind: "configMap", files: data, binary: Object.fromEntries(binary) };
}
