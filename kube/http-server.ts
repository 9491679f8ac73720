import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { HttpConnections } from "./http-connections.ts";
import { exchangeWith, type HttpRoute } from "./http-exchange.ts";
import { type PeerBounds, PeerTable } from "./peer-table.ts";
import type { TrustedClients } from "./trusted-clients.ts";

export type HttpListen = {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: every address. */
  readonly host?: string;
  /** Default 256 in all and 64 of one peer. */
  readonly connections?: PeerBounds;
  /** Being received or answered; default 32 in all and 16 of one peer. Each may hold a body. */
  readonly requests?: PeerBounds;
  /** An idle connection is kept for as long; default 5 s. */
  readonly keepAliveMs?: number;
  /** Serves TLS. Until `setCertificate` no handshake succeeds. */
  readonly tls?: {
    /** Others get a 403; default: anybody may ask. */
    readonly clients?: TrustedClients;
  };
  readonly log: Logger;
};

export type HttpServer = {
  readonly port: number;
  /** From the next connection on. */
  readonly setCertificate: (pem: { readonly certificate: string; readonly key: string }) => void;
};

/**
 * Serves `routes`, by path, until `signal` aborts; rejects when the port is in use. Every server of
 * ours is one of these, because whoever reaches its port may send what they like: whatever it is
 * ends as an answer or a closed connection, within seconds, and never as an exception.
 */
export async function serve(
  routes: ReadonlyMap<string, HttpRoute>,
  listen: HttpListen,
  signal: AbortSignal,
): Promise<HttpServer> {
  const { log } = listen;
  const clients = listen.tls?.clients;
  const server = createFor(listen);
  const connections = new HttpConnections(listen.connections ?? { inAll: 256, perPeer: 64 });
  const exchanges = new PeerTable<string>(listen.requests ?? { inAll: 32, perPeer: 16 });
  const onRequest = exchangeWith({ routes, clients, connections, exchanges, log, signal });
  server.on("connection", (socket) => connections.add(socket));
  server.on("request", onRequest);
  // The body is asked for when it is known that somebody reads it.
  server.on("checkContinue", onRequest);
  server.on("clientError", refuseBytes);
  server.on("connect", (_request, socket) => hangUp(socket, "405 Method Not Allowed"));
  server.on("tlsClientError", (err) => log.debug({ err }, "no TLS handshake"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: listen.port, host: listen.host, backlog: acceptBacklog }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", (err) => log.error({ err }, "a server cannot accept connections"));
  const close = () => {
    server.close();
    connections.destroyAll();
  };
  if (signal.aborted) close();
  signal.addEventListener("abort", close, { once: true });
  return {
    port: (server.address() as AddressInfo).port,
    setCertificate: ({ certificate, key }) => {
      const ca = clients === undefined ? {} : { ca: clients.ca };
      (server as TlsServer).setSecureContext({ cert: certificate, key, ...ca });
    },
  };
}

/**
 * Below the number of connections that may be open: they are accepted in one go, and a flood that
 * waits beside a probe may not push the probe out before its request was read.
 */
const acceptBacklog = 128;

function createFor({ keepAliveMs = 5_000, tls }: HttpListen): Server | TlsServer {
  const limits = {
    maxHeaderSize: 8 << 10,
    headersTimeout: 5_000,
    requestTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: keepAliveMs,
  };
  // Who has none is told so by HTTP, which the API server's log shows.
  const certificates =
    tls?.clients === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
  const server =
    tls === undefined
      ? createServer(limits)
      : createTlsServer({
          ...{ ...limits, ...certificates },
          ...{ handshakeTimeout: 5_000, minVersion: "TLSv1.2" },
        });
  server.maxHeadersCount = 100;
  server.timeout = 10_000; // a peer that does not read its answer
  return server;
}

/** What the parser refuses, or what does not come in time. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  hangUp(socket, statusOfCode.get(error.code ?? "") ?? "400 Bad Request");
}

const statusOfCode: ReadonlyMap<string, string> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
]);

/** Node has taken its own listeners off such a socket; an error without one ends the process. */
function hangUp(socket: Duplex, status: string): void {
  socket.on("error", () => {});
  if (!socket.writable) socket.destroy();
  else socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => socket.destroy());
}
