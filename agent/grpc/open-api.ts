import { mkdir, writeFile } from "node:fs/promises";
import type { SecureContextOptions } from "node:tls";
import { type Clock, Loop, runTogether } from "@guardbee/kube";
import type { Logger } from "pino";
import { type Address, defaultSocket, parseAddress, runFolder } from "./address.ts";
import type { ApiMethodsParts } from "./api-methods.ts";
import { GrpcServer, type GrpcServerOptions } from "./server.ts";
import { CertificateReload, type TlsFiles } from "./tls.ts";

/** The API's part of what the agent is called with; upstream's names. */
export type ApiFlags = {
  /** Empty: none. */
  readonly serverAddress: string;
  /** Of a TCP address only; empty: no TLS. */
  readonly serverTlsCertFile: string;
  readonly serverTlsKeyFile: string;
  readonly serverTlsClientCaFiles: readonly string[];
  readonly serverTlsRequireClientCert: boolean;
  /** Empty: none. */
  readonly healthServerAddress: string;
};

/** Where the API is served, and how. */
export type ApiOptions = {
  /** The first is the one that was asked for. */
  readonly addresses: readonly { readonly address: Address; readonly tls?: TlsFiles }[];
  readonly requireClientCert: boolean;
  /** Where there is only the health service. */
  readonly health?: Address;
};

/** The options that the flags mean; undefined: no API; or what is wrong with them. */
export function parseApiFlags(
  flags: ApiFlags,
): ApiOptions | undefined | { readonly wrong: string } {
  const { serverAddress, serverTlsCertFile: certificate, serverTlsKeyFile: key } = flags;
  const clientCas = flags.serverTlsClientCaFiles;
  const requireClientCert = flags.serverTlsRequireClientCert;
  const health = parseAddress(flags.healthServerAddress);
  if (flags.healthServerAddress !== "" && health?.kind !== "tcp") {
    return { wrong: `--health-server-address is ${flags.healthServerAddress}; write HOST:PORT` };
  }
  const rest = { requireClientCert, ...(health === undefined ? {} : { health }) };
  if (serverAddress === "") {
    return health === undefined ? undefined : { addresses: [], ...rest };
  }
  const address = parseAddress(serverAddress);
  if (address === undefined) {
    return { wrong: `--server-address is ${serverAddress}; write unix:///PATH or HOST:PORT` };
  }
  const asked = certificate !== "" || key !== "" || clientCas.length > 0 || requireClientCert;
  if (!asked) return { addresses: listenersOf(address), ...rest };
  if (address.kind === "unix") {
    return {
      wrong: "--server-tls-*: a Unix socket has no TLS; leave them out, or serve on HOST:PORT",
    };
  }
  if (certificate === "" || key === "") {
    return { wrong: "TLS takes both --server-tls-cert-file and --server-tls-key-file" };
  }
  if (requireClientCert && clientCas.length === 0) {
    return { wrong: "--server-tls-require-client-cert takes --server-tls-client-ca-files, too" };
  }
  const tls = { certificate, key, clientCas };
  return { addresses: listenersOf(address, tls), ...rest };
}

/** As upstream: who asks for TCP gets the socket for the node itself, too. */
function listenersOf(address: Address, tls?: TlsFiles): ApiOptions["addresses"] {
  if (address.kind === "unix") return [{ address }];
  return [
    { address, ...(tls === undefined ? {} : { tls }) },
    { address: { kind: "unix", path: defaultSocket } },
  ];
}

export type ApiParts = ApiMethodsParts & {
  readonly clock: Clock;
  readonly log: Logger;
  /** What upstream's client is told beside where the API is, by upstream's names: for `tetra bugtool`. */
  readonly told?: Readonly<Record<string, string>>;
};

/** An address that cannot be had may be had later: nobody's policies are to wait for it. */
const retryMs = 10_000;

type Served = Pick<GrpcServerOptions, "loadMethods"> & ApiOptions["addresses"][number];

/** Serves the API until `signal` aborts. */
export async function runApi(
  { addresses, requireClientCert, health }: ApiOptions,
  parts: ApiParts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = parts;
  const loadAll = once(async () => (await import("./api-methods.ts")).apiMethods(parts));
  const loadHealth = once(async () => (await import("./health-service.ts")).healthMethods());
  const served: readonly Served[] = [
    ...addresses.map((one) => ({ loadMethods: loadAll, ...one })),
    ...(health === undefined ? [] : [{ loadMethods: loadHealth, address: health }]),
  ];
  const clients = requireClientCert ? "certified" : "any";
  await runTogether(
    served.map(({ loadMethods, address, tls }) => async (each: AbortSignal) => {
      const server = new GrpcServer({
        ...{ loadMethods, clock, log },
        ...(tls === undefined ? {} : { tls: { clients } as const }),
      });
      const use = (context: SecureContextOptions) => server.setSecureContext(context);
      const certificates =
        tls === undefined ? [] : [new CertificateReload({ files: tls, use, clock, log })];
      const both = [listening(server, address, parts), ...certificates];
      try {
        await runTogether(
          both.map((part) => (one: AbortSignal) => part.run(one)),
          each,
        );
      } finally {
        if (server.address() !== null) await server.close();
      }
    }),
    signal,
  );
}

/** What the first call of `load` gives. */
function once<T>(load: () => T): () => T {
  let loaded: { readonly value: T } | undefined;
  return () => {
    loaded ??= { value: load() };
    return loaded.value;
  };
}

/** Tries until the server listens. */
function listening(server: GrpcServer, address: Address, { clock, log, told }: ApiParts): Loop {
  const where = addressText(address);
  return new Loop({
    step: async () => {
      if (server.address() !== null) return {};
      await server.listen(address);
      log.info({ address: where }, "the gRPC API is served");
      if (address.kind === "unix") await tellWhere({ ...told, server_address: where }, log);
      return {};
    },
    failure: "the gRPC API cannot be served",
    level: "error",
    backOff: { firstMs: retryMs, maxMs: retryMs },
    ...{ clock, log: log.child({ address: where }) },
  });
}

function addressText(address: Address): string {
  return address.kind === "unix" ? `unix://${address.path}` : `${address.host}:${address.port}`;
}

/** Upstream's client looks here for where its agent is. */
async function tellWhere(
  told: Readonly<Record<string, string>> & { readonly server_address: string },
  log: Logger,
): Promise<void> {
  if (!told.server_address.startsWith(`unix://${runFolder}/`)) return;
  try {
    await mkdir(runFolder, { recursive: true, mode: 0o755 });
    const facts = { ...told, pid: process.pid };
    await writeFile(`${runFolder}/tetragon-info.json`, `${JSON.stringify(facts)}\n`);
  } catch (err) {
    log.warn({ err }, "clients are not told where the gRPC API is");
  }
}
