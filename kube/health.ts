import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the kubelet asks for, and Prometheus. */
export type Health = {
  /** False: restart us. */
  readonly alive: () => boolean;
  /** False: not useful yet. */
  readonly ready: () => boolean;
  readonly metrics?: { readonly contentType: string; metrics(): Promise<string> };
};

/**
 * Serves /healthz, /readyz and /metrics until `signal` aborts; gives the port, which may be asked
 * for as 0.
 */
export async function serveHealth(
  health: Health,
  listen: { readonly port: number; readonly host?: string },
  signal: AbortSignal,
): Promise<number> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/metrics" && health.metrics !== undefined) {
      void sendMetrics(health.metrics, response);
      return;
    }
    const answer =
      pathname === "/healthz" ? health.alive : pathname === "/readyz" ? health.ready : undefined;
    const status = answer === undefined ? 404 : answer() ? 200 : 503;
    response.writeHead(status, { "content-type": "text/plain" });
    response.end(status === 200 ? "ok\n" : `${pathname}: ${status}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  if (signal.aborted) close();
  signal.addEventListener("abort", close, { once: true });
  return (server.address() as AddressInfo).port;
}

async function sendMetrics(
  registry: NonNullable<Health["metrics"]>,
  response: ServerResponse,
): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType }).end(text);
  } catch (error) {
    response.writeHead(500, { "content-type": "text/plain" }).end(`/metrics: ${String(error)}\n`);
  }
}
