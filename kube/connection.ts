import http from "node:http";
import https from "node:https";
import { createGunzip } from "node:zlib";
import { type Clock, systemClock, withDeadline } from "./clock.ts";
import {
  type Access,
  type Credentials,
  type KubeconfigChoice,
  loadCredentials,
} from "./credentials.ts";
import { KubeError, parseRefusal } from "./kube-error.ts";
import { splitLines } from "./lines.ts";

/** One request to the API server. */
export type KubeRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute, encoded path: `/api/v1/nodes/a`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; default application/json. */
  readonly contentType?: string;
  /** Default application/json. */
  readonly accept?: string;
  /** For the whole answer; default 30 s. A stream's limit covers only its headers. */
  readonly timeoutMs?: number;
};

/**
 * A shared, kept-alive connection pool to one API server with the credentials of one identity.
 * Refusals are KubeErrors; an answer 401 is tried once more with credentials read again.
 */
export type KubeConnection = {
  readonly server: string;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string;
  /** The parsed JSON answer. The caller's type is trusted: parse what comes from users. */
  request<T = unknown>(request: KubeRequest, signal: AbortSignal): Promise<T>;
  /** The answer line by line as it comes (watches, logs); ends when the server ends it. */
  lines(request: KubeRequest, signal: AbortSignal): AsyncGenerator<string, void>;
  /** Drops all sockets. Requests under way fail. */
  close(): void;
};

export type ConnectOptions = KubeconfigChoice & {
  /** Sent as User-Agent: `guardbee-operator/0.1.0`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
};

/** A connection from `--kubeconfig`, KUBECONFIG, the pod's service account or ~/.kube/config. */
export async function connect(options: ConnectOptions = {}): Promise<KubeConnection> {
  const clock = options.clock ?? systemClock;
  return connectWith(await loadCredentials(clock, options), options);
}

/** A connection with credentials given by the caller. */
export function connectWith(
  credentials: Credentials,
  options: Omit<ConnectOptions, keyof KubeconfigChoice> = {},
): KubeConnection {
  const clock = options.clock ?? systemClock;
  const pool = new SocketPool(credentials.server);
  const userAgent = options.userAgent ?? "guardbee";

  /** Headers of the answer received, its status 2xx; throws KubeError otherwise. */
  async function open(request: KubeRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
    for (const renew of ["cached", "renew"] as const) {
      const access = await credentials.current(renew);
      const response = await pool.send(requestOptions(request, access), request.body, signal);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      const body = await readText(response);
      if (status === 401 && renew === "cached") continue;
      const retryAfter = response.headers["retry-after"];
      throw new KubeError(title(request), parseRefusal(status, body, retryAfter));
    }
    throw new Error("unreachable: the second round returns or throws");
  }

  function requestOptions(request: KubeRequest, access: Access): Send {
    const url = new URL(credentials.server);
    url.pathname = url.pathname.replace(/\/$/, "") + request.path;
    for (const [key, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const headers: Record<string, string> = {
      accept: request.accept ?? "application/json",
      "accept-encoding": "gzip",
      "user-agent": userAgent,
      ...access.headers,
    };
    if (request.body !== undefined) {
      headers["content-type"] = request.contentType ?? "application/json";
    }
    return { url, method: request.method ?? "GET", headers, access };
  }

  const limitOf = (request: KubeRequest) => {
    const ms = request.timeoutMs ?? 30_000;
    return { ms, error: () => new Error(`${title(request)}: no answer within ${ms} ms`) };
  };
  return {
    server: credentials.server.href,
    namespace: credentials.namespace,
    request: <T>(request: KubeRequest, signal: AbortSignal) =>
      withDeadline(clock, limitOf(request), signal, async (limited): Promise<T> => {
        const text = await readText(await open(request, limited), limited);
        return JSON.parse(text) as T;
      }),
    async *lines(request, signal) {
      const ended = new AbortController(); // the socket lives as long as the iteration does
      const whole = AbortSignal.any([signal, ended.signal]);
      try {
        const response = await withDeadline(clock, limitOf(request), whole, (limited) =>
          open(request, limited).then((answer) => {
            abortDestroys(answer, whole);
            return answer;
          }),
        );
        yield* splitLines(decoded(response));
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        ended.abort();
      }
    },
    close: () => pool.close(),
  };
}

type Send = {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly access: Access;
};

/** kube-apiserver closes an idle socket after 90 s; a request must not meet that. */
const idleSocketMs = 60_000;

/** Keeps one agent, replaced when the TLS material changes (a rotated client certificate). */
class SocketPool {
  /** Written by #agentFor only. */
  #agent: http.Agent | https.Agent | undefined;
  #fingerprint = "";
  readonly #secure: boolean;

  constructor(server: URL) {
    this.#secure = server.protocol === "https:";
  }

  /** Sends once; a kept-alive socket that the server closed meanwhile is replaced and tried again. */
  async send(send: Send, body: unknown, signal: AbortSignal): Promise<http.IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    for (;;) {
      const request = (this.#secure ? https : http).request(send.url, {
        method: send.method,
        headers: payload === undefined ? send.headers : withLength(send.headers, payload),
        agent: send.access.proxy ?? this.#agentFor(send.access),
      });
      try {
        return await answerTo(request, payload, signal);
      } catch (error) {
        signal.throwIfAborted();
        const stale = request.reusedSocket && (error as { code?: string }).code === "ECONNRESET";
        if (stale) continue;
        const what = `${send.method} ${send.url.pathname}`;
        throw new Error(`${what}: ${send.url.host}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  close(): void {
    this.#agent?.destroy();
  }

  #agentFor(access: Access): http.Agent | https.Agent {
    const { ca, cert, key, ...rest } = access.tls;
    const fingerprint = [ca, cert, key, JSON.stringify(rest)].map(String).join("\0");
    if (this.#agent === undefined || fingerprint !== this.#fingerprint) {
      // Sockets of the old agent end with their requests; destroying it would cut off watches.
      const keep = {
        keepAlive: true,
        keepAliveMsecs: 15_000,
        maxFreeSockets: 16,
        timeout: idleSocketMs, // closes those without a request; a silent watch goes on
      };
      this.#agent = this.#secure
        ? new https.Agent({ ...keep, ...access.tls })
        : new http.Agent(keep);
      this.#fingerprint = fingerprint;
    }
    return this.#agent;
  }
}

/** Node sends the body of a DELETE without its length, which makes it the next request's beginning. */
function withLength(headers: Send["headers"], payload: string): Record<string, string> {
  return { ...headers, "content-length": String(Buffer.byteLength(payload)) };
}

function answerTo(
  request: http.ClientRequest,
  payload: string | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const abort = () => request.destroy(asError(signal.reason));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    request.on("response", (response) => {
      signal.removeEventListener("abort", abort);
      resolve(response);
    });
    request.on("error", (error) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    });
    request.setNoDelay(true);
    request.end(payload);
  });
}

async function readText(response: http.IncomingMessage, signal?: AbortSignal): Promise<string> {
  if (signal !== undefined) abortDestroys(response, signal);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of decoded(response)) chunks.push(chunk as Buffer);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function decoded(response: http.IncomingMessage): NodeJS.ReadableStream {
  if (response.headers["content-encoding"] !== "gzip") return response;
  const gunzip = createGunzip();
  response.on("error", (error) => gunzip.destroy(error));
  return response.pipe(gunzip);
}

/** Destroys the answer's socket on abort, for as long as the answer is being read. */
function abortDestroys(response: http.IncomingMessage, signal: AbortSignal): void {
  const abort = () => response.destroy(asError(signal.reason));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  response.on("close", () => signal.removeEventListener("abort", abort));
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function title(request: KubeRequest): string {
  return `${request.method ?? "GET"} ${request.path}`;
}
