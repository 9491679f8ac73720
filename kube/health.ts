import type { Logger } from "pino";
import type { HttpAnswer, HttpRoute } from "./http-exchange.ts";
import { serve } from "./http-server.ts";
import type { PeerBounds } from "./peer-table.ts";

/** What the kubelet asks for, and Prometheus. */
export type Health = {
  /** False: restart us. */
  readonly alive: () => boolean;
  /** False: not useful yet. */
  readonly ready: () => boolean;
  readonly metrics?: { readonly contentType: string; metrics(): Promise<string> };
};

export type HealthListen = {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: every address. */
  readonly host?: string;
  /** Default: see HttpListen. */
  readonly connections?: PeerBounds;
  readonly log: Logger;
};

/** Serves /healthz, /readyz and /metrics until `signal` aborts; gives the port. */
export async function serveHealth(
  { alive, ready, metrics }: Health,
  listen: HealthListen,
  signal: AbortSignal,
): Promise<number> {
  const routes = new Map<string, HttpRoute>([
    ["/healthz", { method: "GET", answer: () => probed("/healthz", alive()) }],
    ["/readyz", { method: "GET", answer: () => probed("/readyz", ready()) }],
  ]);
  if (metrics !== undefined) routes.set("/metrics", metricsRoute(metrics));
  // A request takes no more than its connection: others' scrapes must not make a probe a 503.
  const { connections = { inAll: 256, perPeer: 64 } } = listen;
  return (await serve(routes, { ...listen, connections, requests: connections }, signal)).port;
}

/** Serves /metrics alone until `signal` aborts; gives the port. */
export async function serveMetrics(
  metrics: NonNullable<Health["metrics"]>,
  { connections = { inAll: 256, perPeer: 64 }, ...listen }: HealthListen,
  signal: AbortSignal,
): Promise<number> {
  const routes = new Map<string, HttpRoute>([["/metrics", metricsRoute(metrics)]]);
  return (await serve(routes, { ...listen, connections, requests: connections }, signal)).port;
}

function probed(path: string, good: boolean): HttpAnswer {
  return good ? { status: 200, body: "ok\n" } : { status: 503, body: `${path}: 503\n` };
}

/** Whoever asks while they are being collected gets those: a flood collects them once at a time. */
function metricsRoute(registry: NonNullable<Health["metrics"]>): HttpRoute {
  let collecting: Promise<string> | undefined;
  return {
    method: "GET",
    async answer() {
      collecting ??= registry.metrics().finally(() => {
        collecting = undefined;
      });
      return { status: 200, type: registry.contentType, body: await collecting };
    },
  };
}
