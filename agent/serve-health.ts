import { type Health, serveHealth, serveMetrics } from "@guardbee/kube";
import type { Logger } from "pino";
import { parseAddress } from "./grpc/address.ts";

/** Where the agent says how it does. */
export type HealthFlags = {
  /** For /healthz, /readyz and /metrics, on loopback. */
  readonly healthPort: number | undefined;
  /** `HOST:PORT` for /metrics alone; without a host: every address; empty: none. */
  readonly metricsServer: string;
};

type Listening = { readonly port: number; readonly host?: string };

/** Where /metrics is served alone; undefined: nowhere; or what is wrong with the flag. */
export function parseMetricsServer(
  text: string,
): Listening | undefined | { readonly wrong: string } {
  if (text === "") return undefined;
  const address = /:\d+$/.test(text) ? parseAddress(text) : undefined;
  if (address?.kind !== "tcp") return { wrong: `--metrics-server is ${text}; write HOST:PORT` };
  const { host, port } = address;
  return host === "" ? { port } : { port, host };
}

/** Serves what the flags say until `signal` aborts. False: it cannot listen, which the log says. */
export async function serveOwnHealth(
  { healthPort, metricsServer }: HealthFlags,
  { log, ...health }: Required<Health> & { readonly log: Logger },
  signal: AbortSignal,
): Promise<boolean> {
  const tried = async (flag: string, address: Listening, listening: Promise<number>) => {
    try {
      await listening;
      return true;
    } catch (error) {
      log.error({ err: error, ...address }, `cannot listen; set --${flag} to a free one`);
      return false;
    }
  };
  const metrics = parseMetricsServer(metricsServer);
  if (metrics !== undefined && !("wrong" in metrics)) {
    const listening = serveMetrics(health.metrics, { ...metrics, log }, signal);
    if (!(await tried("metrics-server", metrics, listening))) return false;
  }
  if (healthPort === undefined) return true;
  const own = { port: healthPort, host: "127.0.0.1" };
  // On loopback whoever asks has the one address.
  const listen = { ...own, connections: { inAll: 256, perPeer: 256 }, log };
  return tried("health-port", own, serveHealth(health, listen, signal));
}
