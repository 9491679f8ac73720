import { afterEach } from "node:test";
import { type BundleSource, defaultLimits } from "../bundle.ts";
import { type Fetched, type FetchOptions, fetchBundle } from "../fetch-bundle.ts";
import { type Guard, type RegistryServer, startRegistry } from "./registry-server.ts";
import { egressOfTest, type WebServer } from "./web-server.ts";

/** Registries and other servers that are closed after the test that asked for them. */
export function registryOfTest(): {
  registryWith(guard?: Guard): Promise<RegistryServer>;
  closeAfter(server: WebServer): void;
} {
  const servers: WebServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  return {
    async registryWith(guard) {
      const registry = await startRegistry(guard);
      servers.push(registry.server);
      return registry;
    },
    closeAfter(server) {
      servers.push(server);
    },
  };
}

/** What a registry gives, under the default limits. */
export function fetchOciBundle(
  source: Omit<Extract<BundleSource, { readonly kind: "oci" }>, "kind">,
  options: Partial<FetchOptions> = {},
): Promise<Fetched> {
  const signal = new AbortController().signal;
  const defaults = { limits: defaultLimits, timeoutMs: 60_000, egress: egressOfTest, signal };
  return fetchBundle({ kind: "oci", ...source }, { ...defaults, ...options });
}
