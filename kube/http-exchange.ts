import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { connectionKey, type HttpConnections } from "./http-connections.ts";
import { orAborted } from "./or-aborted.ts";
import type { PeerTable } from "./peer-table.ts";
import { distrust, type TrustedClients } from "./trusted-clients.ts";

export type HttpAnswer = {
  readonly status: number;
  /** Default text/plain. */
  readonly type?: string;
  readonly body: string;
};

export type HttpRequest = {
  /** The address that it comes from. */
  readonly peer: string;
  /** Whole; empty where the route takes none. */
  readonly body: Buffer;
};

export type HttpRoute = {
  /** GET answers HEAD, too. */
  readonly method: "GET" | "POST";
  /** Default 0: a body is not read, and its connection is closed. A longer one is a 413. */
  readonly maxBodyBytes?: number;
  /** An answer that needs no body; undefined: read it. */
  readonly refuse?: (request: IncomingMessage) => HttpAnswer | undefined;
  /** `signal` aborts when the peer is gone, or the server ends. Throwing is a 500. */
  readonly answer: (request: HttpRequest, signal: AbortSignal) => HttpAnswer | Promise<HttpAnswer>;
};

/** A request that is being received or answered: the key of its connection, a space, and its number. */
export type Exchanges = PeerTable<string>;

type Parts = {
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Undefined: anybody. */
  readonly clients: TrustedClients | undefined;
  readonly connections: HttpConnections;
  readonly exchanges: Exchanges;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

type OneExchange = Parts & { readonly exchangeKey: string };

/** A listener of requests that never throws. */
export function exchangeWith(parts: Parts) {
  /** By connection, the answers of which nobody has said that they are sent. */
  const unsent = new Map<string, Set<ServerResponse>>();
  let count = 0;
  return (request: IncomingMessage, response: ServerResponse): void => {
    // A peer that goes away is an error of the stream that was in use.
    request.on("error", () => {});
    response.on("error", () => {});
    const key = connectionKey(request.socket);
    const before = unsent.get(key) ?? new Set();
    if (asksOn(before)) {
      request.socket.destroy();
      return;
    }
    unsent.set(key, before.add(response));
    const sent = () => {
      before.delete(response);
      if (before.size === 0 && unsent.get(key) === before) unsent.delete(key);
    };
    response.on("finish", sent);
    response.on("close", sent);
    const exchangeKey = `${key} ${count++}`;
    exchange(request, response, { ...parts, exchangeKey }).catch((err: unknown) => {
      parts.log.error({ err }, "an answer cannot be sent");
      request.socket.destroy();
    });
  };
}

/**
 * Whether a peer asks before it is answered: of that there is no end. One that has its answer may ask on
 * before Node says that the answer was sent, which over TLS, and on a busy machine, comes late: an API
 * server that were hung up on then would let an object through.
 */
function asksOn(unsent: ReadonlySet<ServerResponse>): boolean {
  return unsent.size > 1 || [...unsent].some(({ writableEnded }) => !writableEnded);
}

async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, clients, connections, exchanges, log, signal, exchangeKey }: OneExchange,
): Promise<void> {
  const distrusted = clients === undefined ? undefined : distrust(request.socket, clients);
  if (distrusted !== undefined) return send(request, response, plain(403, distrusted));
  const key = connectionKey(request.socket);
  const gone = new AbortController();
  response.on("close", () => {
    exchanges.remove(exchangeKey);
    gone.abort(new Error("the peer is gone"));
  });
  const excess = exchanges.add(exchangeKey, request.socket.remoteAddress ?? "gone");
  if (excess !== undefined) exchanges.remove(excess);
  if (excess === exchangeKey) return send(request, response, plain(503, "busy"));
  if (excess !== undefined) connections.destroy(excess.slice(0, excess.lastIndexOf(" ")));
  const busy = () => {
    connections.busy(key);
    exchanges.busy(exchangeKey);
  };
  const within = AbortSignal.any([signal, gone.signal]);
  const answer = await answerTo(request, response, { routes, busy, log, within });
  send(request, response, answer);
  connections.idle(key); // a peer that does not read it may be dropped
  exchanges.idle(exchangeKey);
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Pick<Parts, "routes" | "log"> & {
    /** Called when the whole request is here. */
    readonly busy: () => void;
    readonly within: AbortSignal;
  },
): Promise<HttpAnswer> {
  const { routes, busy, log, within } = parts;
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const route = routes.get(path);
  if (route === undefined) return plain(404, "not found");
  if (!isServed(request.method, route)) return plain(405, `${route.method} only`);
  try {
    const refused = route.refuse?.(request);
    if (refused !== undefined) return refused;
    const { maxBodyBytes = 0 } = route;
    const body = maxBodyBytes === 0 ? empty : await receive(request, response, maxBodyBytes);
    if (body === undefined) return plain(413, `more than ${maxBodyBytes} bytes`);
    busy();
    const peer = request.socket.remoteAddress ?? "gone";
    const answer = route.answer({ peer, body }, within);
    return await orAborted(Promise.resolve(answer), within);
  } catch (err) {
    if (within.aborted || request.destroyed) return plain(500, "gone");
    log.error({ err, path }, "a request cannot be answered");
    return plain(500, "cannot be answered; see the log");
  }
}

const empty = Buffer.alloc(0);

function isServed(method: string | undefined, route: HttpRoute): boolean {
  return method === route.method || (method === "HEAD" && route.method === "GET");
}

/** Undefined: it is too long. */
async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return undefined;
  if (request.headers.expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when it is too long: the answer goes the same way.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function plain(status: number, text: string): HttpAnswer {
  return { status, body: `${text}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  const { status, type = "text/plain", body } = answer;
  // Behind a body that nobody read there is no next request.
  const close = hasBody(request) && !request.complete ? { connection: "close" } : {};
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "content-type": type, "content-length": length, ...close });
  response.end(body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
