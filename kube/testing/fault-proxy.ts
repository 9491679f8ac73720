import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connectWith, type KubeConnection } from "../connection.ts";
import { aStatus } from "./scripted-server.ts";

/** What the proxy does to requests, until it is told otherwise. */
export type Fault =
  /** Refuses, as an API server would that is overloaded, broken or has forgotten. */
  | {
      readonly kind: "refuse";
      readonly status: 410 | 429 | 500;
      readonly of: "all" | "watches";
      readonly retryAfterSeconds?: number;
    }
  /** Closes the socket without an answer. */
  | { readonly kind: "drop" }
  /** Hands on so many bytes at a time, with a pause after each. */
  | { readonly kind: "slow"; readonly bytes: number; readonly pauseMs: number };

/** A watch that goes through the proxy. */
type Watch = { readonly upstream: http.IncomingMessage; readonly client: http.ServerResponse };

/** An HTTP proxy before a real API server, which does to the traffic what a test asks for. */
export class FaultProxy {
  readonly #server: http.Server;
  readonly #target: URL;
  readonly #agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  /** Written by inject and heal. */
  #fault: Fault | undefined;
  /** Tokens that are answered 401. Written by expire. */
  readonly #expired = new Set<string>();
  /** Open ones. Written by #forward. */
  readonly #watches = new Set<Watch>();
  /** How often each fault struck, by its kind. Written by #strike and heal. */
  readonly #struck = new Map<string, number>();

  static async start(target: URL): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: URL) {
    this.#target = target;
    this.#server = http.createServer((request, response) => {
      this.#receive(request, response).catch(() => request.socket.destroy());
    });
  }

  /** A connection through the proxy. `tokens` are handed out one per renewal; the last one stays. */
  connection(tokens: readonly string[]): KubeConnection {
    const { port } = this.#server.address() as AddressInfo;
    let reads = 0;
    return connectWith({
      server: new URL(`http://127.0.0.1:${port}`),
      namespace: "guardbee-system",
      async current(renew) {
        if (renew === "renew") reads++;
        const token = tokens[Math.min(reads, tokens.length - 1)];
        return { headers: { authorization: `Bearer ${token}` }, tls: {} };
      },
    });
  }

  inject(fault: Fault): void {
    this.#fault = fault;
  }

  /** Ends the fault, lets silenced watches go on, and forgets how often what struck. */
  heal(): void {
    this.#fault = undefined;
    this.#struck.clear();
    for (const { upstream } of this.#watches) upstream.resume();
  }

  /** From now on this token is no longer accepted. */
  expire(token: string): void {
    this.#expired.add(token);
  }

  /** Breaks every watch off in the middle of a line. */
  breakWatches(): void {
    for (const { client } of this.#watches) {
      client.write('{"type":"MODIFIED","object":{"kind":');
      client.socket?.destroySoon();
      this.#strike("break");
    }
  }

  /** Hands on nothing more of the watches that are open; they stay open. */
  silenceWatches(): void {
    for (const { upstream } of this.#watches) {
      upstream.pause();
      this.#strike("silence");
    }
  }

  /** As silenceWatches, and `heal` does not end it: a peer that died without a word. */
  abandonWatches(): void {
    this.silenceWatches();
    this.#watches.clear();
  }

  /** Puts a line of its own into every watch. */
  interject(line: string): void {
    for (const { client } of this.#watches) {
      client.write(`${line}\n`);
      this.#strike("interject");
    }
  }

  /** How often a fault of this kind has struck since the last `heal`. */
  struck(kind: Fault["kind"] | "break" | "silence" | "interject" | "expired"): number {
    return this.#struck.get(kind) ?? 0;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    if (this.#expired.has(token)) {
      this.#strike("expired");
      refuse(response, 401, "Unauthorized");
      return;
    }
    const isWatch = new URL(request.url ?? "/", this.#target).searchParams.has("watch");
    const fault = this.#fault;
    if (fault?.kind === "drop") {
      this.#strike("drop");
      request.socket.destroy();
      return;
    }
    if (fault?.kind === "refuse" && (fault.of === "all" || isWatch)) {
      this.#strike("refuse");
      refuse(response, fault.status, "Injected", fault.retryAfterSeconds);
      return;
    }
    await this.#forward(request, response, isWatch);
  }

  async #forward(
    request: http.IncomingMessage,
    client: http.ServerResponse,
    isWatch: boolean,
  ): Promise<void> {
    const onward = https.request(new URL(request.url ?? "/", this.#target), {
      method: request.method ?? "GET",
      headers: { ...request.headers, host: this.#target.host },
      agent: this.#agent,
    });
    client.on("close", () => onward.destroy());
    request.pipe(onward);
    const [upstream] = (await once(onward, "response")) as [http.IncomingMessage];
    upstream.on("error", () => client.destroy());
    client.writeHead(upstream.statusCode ?? 500, upstream.headers);
    client.flushHeaders();
    const watch = { upstream, client };
    if (isWatch) this.#watches.add(watch);
    client.on("close", () => this.#watches.delete(watch));
    if (this.#fault?.kind === "slow") await this.#dribble(upstream, client, this.#fault);
    else upstream.pipe(client);
  }

  async #dribble(
    upstream: http.IncomingMessage,
    client: http.ServerResponse,
    { bytes, pauseMs }: Extract<Fault, { kind: "slow" }>,
  ): Promise<void> {
    this.#strike("slow");
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += bytes) {
        client.write(chunk.subarray(at, at + bytes));
        if (this.#fault?.kind === "slow") await sleep(pauseMs);
      }
    }
    client.end();
  }

  #strike(kind: string): void {
    this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
  }
}

function refuse(
  response: http.ServerResponse,
  status: number,
  reason: string,
  retryAfterSeconds?: number,
): void {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  response.writeHead(status, headers);
  response.end(JSON.stringify(aStatus(status, reason, `injected ${status}`)));
}
