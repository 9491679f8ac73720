import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What the kubelet asks for. */
export type Health = {
  /** False: restart us. */
  readonly alive: () => boolean;
  /** False: not useful yet. */
  readonly ready: () => boolean;
};

/** Serves /healthz and /readyz until `signal` aborts; gives the port, which may be asked for as 0. */
export async function serveHealth(
  health: Health,
  listen: { readonly port: number; readonly host?: string },
  signal: AbortSignal,
): Promise<number> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
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
