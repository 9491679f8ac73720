import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Egress } from "../egress.ts";

/** A real server on loopback that answers as `handle` does, and remembers what it was asked. */
export type WebServer = {
  /** `http://127.0.0.1:port`, or https. */
  readonly origin: string;
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly requests: readonly http.IncomingMessage[];
  close(): Promise<void>;
};

/**
 * Hosts of the servers that were started, which are on loopback, and two of nobody. Written by startWebServer;
 * an operator that was given it sees what changes.
 */
export const hostsOfTest: string[] = ["bundles.example", "registry.example"];

/** Leads to `hostsOfTest`. */
export const egressOfTest: Egress = { hosts: hostsOfTest, option: "--bundle-hosts" };

export async function startWebServer(
  handle: http.RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<WebServer> {
  const requests: http.IncomingMessage[] = [];
  const listener: http.RequestListener = (request, response) => {
    requests.push(request);
    handle(request, response);
  };
  const server =
    tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  hostsOfTest.push(host);
  return {
    origin: `${tls === undefined ? "http" : "https"}://${host}`,
    host,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
