import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { connectWith, type KubeConnection } from "../connection.ts";

/** One request as the test sees it, to be answered step by step. */
export type Exchange = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
  /** Answers with JSON, or with text as it is. */
  reply(status: number, body: unknown, headers?: Record<string, string>): void;
  /** Begins a streamed answer 200. */
  stream(): Stream;
  /** Closes the socket without an answer. */
  drop(): void;
};

/** A streamed answer under way. */
export type Stream = {
  /** One line of JSON. */
  line(value: unknown): void;
  raw(text: string): void;
  end(): void;
  /** Breaks the socket off. */
  drop(): void;
};

/** An API server that does only what the test says; for failures that a real one will not produce. */
export class ScriptedServer {
  readonly #server: http.Server;
  /** Requests nobody asked for yet. Written by #receive and next. */
  readonly #received: Exchange[] = [];
  /** Tests waiting for a request. Written by #receive and next. */
  readonly #waiting: ((exchange: Exchange) => void)[] = [];

  private constructor() {
    this.#server = http.createServer((request, response) => {
      this.#receive(request, response);
    });
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** A connection to this server. `tokens` are handed out one per renewal; the last one stays. */
  connection(tokens: readonly string[] = ["t"]): KubeConnection {
    const { port } = this.#server.address() as AddressInfo;
    let reads = 0;
    return connectWith({
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: "default",
      async current(renew) {
        if (renew === "renew") reads++;
        const token = tokens[Math.min(reads, tokens.length - 1)];
        return { headers: { authorization: `Bearer ${token}` }, tls: {} };
      },
    });
  }

  /** The next request, in order of arrival. */
  next(): Promise<Exchange> {
    const exchange = this.#received.shift();
    if (exchange !== undefined) return Promise.resolve(exchange);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const url = new URL(request.url ?? "/", "http://server");
    const exchange: Exchange = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
      reply(status, body, headers = {}) {
        response.writeHead(status, headers);
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      },
      stream() {
        response.writeHead(200);
        response.flushHeaders();
        return {
          line: (value) => response.write(`${JSON.stringify(value)}\n`),
          raw: (piece) => response.write(piece),
          end: () => response.end(),
          drop: () => request.socket.destroy(),
        };
      },
      drop: () => request.socket.destroy(),
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#received.push(exchange);
    else waiting(exchange);
  }
}

/** A Status object as the API server answers refusals with. */
export function aStatus(code: number, reason: string, message: string): unknown {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
}
