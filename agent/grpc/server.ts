import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Clock, PeerTable } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Address } from "./address.ts";
import { type CallOptions, serveCall } from "./call.ts";
import type { Methods } from "./method.ts";
import { code, GrpcError } from "./status.ts";

export type GrpcServerOptions = {
  /** Asked at each call: what answers takes memory that an agent without clients need not have. */
  readonly loadMethods: () => Promise<Methods>;
  /** Serves TLS 1.3; until `setSecureContext` no handshake succeeds. Clients have to show a certificate: `clients`. */
  readonly tls?: { readonly clients: "any" | "certified" };
  /** Default 256 in all and of one peer. What comes then ends the one that has been idle for the longest. */
  readonly connections?: number;
  /** Calls that are being received or answered at once, those that stream events aside; default 64. */
  readonly calls?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** As upstream's server, and more than any policy. */
const maxRequestBytes = 4 << 20;
const receiveMs = 10_000;
const streamsPerConnection = 128;
/** How long what is under way at the end may take. */
const endMs = 1_000;
/** After so long without a word the kernel asks whether a peer is still there. */
const keepAliveMs = 30_000;

/**
 * A gRPC server. Whoever reaches it may send what they like: it ends as a status, a closed stream or a
 * closed connection. Node's HTTP/2 (nghttp2) counts what no client of good will sends, and ends those.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #call: Omit<CallOptions, "methods">;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #table: PeerTable<Http2Session>;
  /** Aborted when the server ends. */
  readonly #ended = new AbortController();
  /** Streams of each connection. */
  readonly #open = new WeakMap<Http2Session, number>();
  #calls = 0;

  constructor(options: GrpcServerOptions) {
    const { tls, clock, log, connections = 256 } = options;
    this.#options = options;
    this.#call = { maxBytes: maxRequestBytes, receiveMs, clock, log };
    this.#table = new PeerTable({ inAll: connections, perPeer: connections });
    const settings = { settings: { maxConcurrentStreams: streamsPerConnection } };
    this.#server =
      tls === undefined
        ? createServer(settings)
        : createSecureServer({
            ...{ ...settings, minVersion: "TLSv1.3", handshakeTimeout: receiveMs },
            ...(tls.clients === "any" ? {} : { requestCert: true, rejectUnauthorized: true }),
          });
    this.#server.maxConnections = 2 * connections; // some have not shaken hands yet
    this.#server.on("connection", (socket: Socket) => socket.setKeepAlive(true, keepAliveMs));
    this.#server.on("session", (session: ServerHttp2Session) => this.#enter(session));
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => {}); // `close` follows
      this.#keepBusy(stream);
      void this.#serve(stream, headers);
    });
    for (const bad of ["sessionError", "tlsClientError", "clientError"]) {
      this.#server.on(bad, (err: Error) => log.debug({ err }, "a gRPC connection failed"));
    }
    this.#server.on("unknownProtocol", (socket: Socket) => socket.destroy());
  }

  /** From the next handshake on. Throws what is no certificate. */
  setSecureContext(context: Parameters<Http2SecureServer["setSecureContext"]>[0]): void {
    (this.#server as Http2SecureServer).setSecureContext(context);
  }

  /** Where it listens, once it does. */
  address(): AddressInfo | string | null {
    return this.#server.address();
  }

  /** Listens; rejects when the address is in use, or cannot be had. */
  async listen(address: Address): Promise<void> {
    if (address.kind === "unix") await clearPath(address.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      const listening = () => {
        this.#server.removeListener("error", reject);
        resolve();
      };
      if (address.kind === "unix") this.#server.listen(address.path, listening);
      else this.#server.listen({ host: address.host || undefined, port: address.port }, listening);
    });
    if (address.kind === "unix") await chmod(address.path, 0o660);
    this.#server.on("error", (err) =>
      this.#options.log.error({ err }, "the gRPC server cannot accept connections"),
    );
  }

  /** Ends all calls, tells clients so, and closes; the socket's file goes with it. */
  async close(): Promise<void> {
    this.#ended.abort(new GrpcError(code.unavailable, "the agent ends"));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const done = new AbortController();
    const late = this.#options.clock.sleep(endMs, done.signal).catch(() => {});
    await Promise.race([closed, late]);
    done.abort();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  #enter(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.on("error", () => {}); // its streams and `close` follow
    session.on("close", () => {
      this.#sessions.delete(session);
      this.#table.remove(session);
    });
    this.#table.add(session, session.socket.remoteAddress ?? "unix")?.destroy();
  }

  /** A connection is not idle while a stream of it is open. */
  #keepBusy(stream: ServerHttp2Stream): void {
    const { session } = stream;
    if (session === undefined) return;
    const open = this.#open.get(session) ?? 0;
    this.#open.set(session, open + 1);
    if (open === 0) this.#table.busy(session);
    stream.once("close", () => {
      const left = (this.#open.get(session) ?? 1) - 1;
      this.#open.set(session, left);
      if (left === 0) this.#table.idle(session);
    });
  }

  /** Never rejects. */
  async #serve(stream: ServerHttp2Stream, headers: Parameters<typeof serveCall>[1]): Promise<void> {
    const methods = await this.#options.loadMethods().catch((err: unknown) => {
      this.#options.log.error({ err }, "what answers calls of the gRPC API cannot be loaded");
      return undefined;
    });
    if (methods === undefined) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    if (methods === undefined || stream.closed) return;
    const isStream = methods.get(headers[":path"] ?? "")?.kind === "stream";
    if (!isStream && this.#calls >= (this.#options.calls ?? 64)) {
      const busy = {
        "grpc-status": String(code.resourceExhausted),
        "grpc-message": "too many calls",
      };
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", ...busy },
        { endStream: true },
      );
      return;
    }
    if (!isStream) this.#calls++;
    const options = { ...this.#call, methods };
    try {
      await serveCall(stream, headers, { options, signal: this.#ended.signal });
    } finally {
      if (!isStream) this.#calls--;
    }
  }
}

/**
 * Makes room for a socket: its folder, and nobody's socket at its path. Throws where somebody listens:
 * what is there may be upstream's agent, or another of ours.
 */
async function clearPath(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path}: is there, and is no socket; remove it`);
  if (await isListened(path)) throw new Error(`${path}: another agent listens there; end it`);
  await unlink(path);
}

function isListened(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
