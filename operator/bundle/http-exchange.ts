import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { type Clock, orAborted, withDeadline } from "@guardbee/kube";
import { BundleError } from "./bundle-error.ts";
import { show } from "./show-url.ts";

/** One GET. */
export type HttpGet = {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Value of the Authorization header, for the origin of `url` only. */
  readonly authorization?: string | undefined;
  /** PEM authorities, instead of the system's. */
  readonly ca?: string | undefined;
  /** Of the body. */
  readonly maxBytes: number;
  /** In messages; default the URL. Others read those, so a URL that a server named is in none. */
  readonly where?: string;
};

export type HttpLimits = {
  readonly clock: Clock;
  /** For an answer to begin, and between two pieces of its body. */
  readonly idleMs: number;
};

/** An answer of any status. The body is read when the status is 2xx, else empty. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

/**
 * One request and its answer, redirects not followed; through the proxy that HTTPS_PROXY, HTTP_PROXY
 * and NO_PROXY name, and without one to an address that `lookup` gives. BundleError: Unreachable,
 * TooLarge, NotABundle, and what `lookup` fails with.
 */
export async function exchange(
  get: HttpGet & { readonly lookup: LookupFunction },
  { clock, idleMs }: HttpLimits,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const limit = {
    ms: idleMs,
    error: () =>
      new BundleError("Unreachable", `${whereOf(get)}: is silent for ${idleMs} ms; try later`),
  };
  const closing = new AbortController(); // the socket lives no longer than this function
  try {
    const response = await withDeadline(clock, limit, signal, (limited) =>
      orAborted(send(get, AbortSignal.any([limited, closing.signal])), limited),
    );
    const { statusCode: status = 0, headers } = response;
    if (status < 200 || status >= 300) return { status, headers, body: Buffer.alloc(0) };
    assertPlain(get, headers);
    const declared = Number(headers["content-length"] ?? 0);
    if (declared > get.maxBytes) throw tooLarge(get, `has ${declared} bytes`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const pieces: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
    for (;;) {
      const piece = await withDeadline(clock, limit, signal, (limited) =>
        orAborted(pieces.next(), limited),
      );
      if (piece.done) break;
      bytes += piece.value.byteLength;
      if (bytes > get.maxBytes) throw tooLarge(get, `has more than ${get.maxBytes} bytes`);
      chunks.push(piece.value);
    }
    return { status, headers, body: Buffer.concat(chunks) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BundleError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    // Its message has the proxy's URL, and a password in that.
    if (code === "ERR_PROXY_TUNNEL") throw noTunnel(get);
    throw new BundleError(
      "Unreachable",
      `${whereOf(get)}: ${code ?? message}; check address and server`,
      { cause: error },
    );
  } finally {
    closing.abort();
  }
}

/** What messages call the source that is asked. */
export function whereOf({ url, where }: Pick<HttpGet, "url" | "where">): string {
  return where ?? show(url);
}

/** The answer once its headers are there. The connection is for this one request. */
function send(
  get: HttpGet & { readonly lookup: LookupFunction },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { request } = get.url.protocol === "https:" ? https : http;
  const options = {
    agent: agentFor(get.url, signal),
    headers: {
      "user-agent": "guardbee",
      // digests are of what the file is
      "accept-encoding": "identity",
      ...get.headers,
      ...(get.authorization === undefined ? {} : { authorization: get.authorization }),
    },
    lookup: get.lookup,
    ...(get.ca === undefined ? {} : { ca: get.ca }),
    signal,
  };
  return new Promise((resolve, reject) => {
    request(get.url, options)
      .on("response", (response) => {
        response.on("error", () => {}); // whoever reads the body hears of it
        resolve(response);
      })
      .on("error", (error) => reject(signal.aborted ? signal.reason : error))
      .end();
  });
}

/**
 * Its connections end when `signal` aborts. A request that is aborted has no connection to close yet
 * while a proxy opens the way to the server.
 */
function agentFor({ protocol }: URL, signal: AbortSignal): http.Agent {
  const { Agent } = protocol === "https:" ? https : http;
  const agent = new Agent({ proxyEnv: process.env });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = connect(...args);
    signal.addEventListener("abort", () => socket?.destroy(), { once: true });
    return socket;
  };
  return agent;
}

function noTunnel(get: HttpGet): BundleError {
  return new BundleError(
    "Unreachable",
    `${whereOf(get)}: the proxy opens no way to it; check HTTPS_PROXY, NO_PROXY and the proxy's rules`,
  );
}

function assertPlain(get: HttpGet, headers: IncomingHttpHeaders): void {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return;
  throw new BundleError(
    "NotABundle",
    `${whereOf(get)}: is sent with Content-Encoding; serve the file as it is`,
  );
}

function tooLarge(get: HttpGet, what: string): BundleError {
  return new BundleError(
    "TooLarge",
    `${whereOf(get)}: ${what}, at most ${get.maxBytes} are allowed; leave out what the policy does not need`,
  );
}
