import { type Clock, orAborted, withDeadline } from "@guardbee/kube";
import type { Agent } from "undici";
import { assertAuthorities } from "./authorities.ts";
import { BundleError } from "./bundle-error.ts";
import { namesHost } from "./host-list.ts";

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
};

/** What bounds a fetch, in time and in where it may lead. */
export type HttpContext = {
  readonly clock: Clock;
  /** The only hosts that are asked, redirects and token services included; default any. */
  readonly hosts?: readonly string[] | undefined;
  /** For an answer to begin, and between two pieces of its body. */
  readonly idleMs: number;
};

/** An answer of any status. The body is read when the status is 2xx, else empty. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Buffer;
};

const redirectsMax = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * The answer after at most 5 redirects. Credentials go to the first origin and to no other, never
 * again once it was left, and no redirect leads from TLS to plain HTTP. BundleError: Unreachable,
 * TooLarge. Nothing that the server sent is quoted, because it ends up in a status that others read.
 */
export async function httpGet(
  get: HttpGet,
  context: HttpContext,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  if (get.ca !== undefined) assertAuthorities(get.ca);
  const agent = get.ca === undefined ? undefined : await agentFor(get.ca);
  try {
    let url = get.url;
    let authorization = get.authorization;
    for (let hops = 0; hops <= redirectsMax; hops++) {
      assertHttp(url);
      assertMayAsk(url, get.url, context.hosts);
      const answer = await exchange({ ...get, url, authorization }, agent, context, signal);
      const location = redirects.has(answer.status) ? answer.headers.get("location") : null;
      if (location === null) return answer;
      const next = parseLocation(location, url);
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
    throw new BundleError(
      "Unreachable",
      `${show(get.url)}: more than ${redirectsMax} redirects; use the address that they lead to`,
    );
  } finally {
    await agent?.destroy();
  }
}

/** Node's own fetch takes no authorities; undici, which does, is loaded for who has some. */
async function agentFor(ca: string): Promise<Agent> {
  const { Agent } = await import("undici");
  return new Agent({ connect: { ca } });
}

/** A URL that may be fetched: HTTP or HTTPS, with no credentials in it. Else InvalidSource. */
export function parseHttpUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new BundleError(
      "InvalidSource",
      "bundle URL: is no URL; write https://host/bundle.tar.gz",
    );
  }
  const url = new URL(text);
  assertHttp(url);
  if (url.username !== "" || url.password !== "") {
    throw new BundleError(
      "InvalidSource",
      `${show(url)}: has credentials in it; put them in the Secret`,
    );
  }
  return url;
}

/** A URL for messages: without its query, which may be a signature. */
export function show(url: URL): string {
  return `${url.origin === "null" ? url.protocol : url.origin}${url.pathname}`;
}

/** An Unreachable for an answer that is no success, with what Retry-After asks for. */
export function unexpectedStatus(url: URL, answer: HttpAnswer, clock: Clock): BundleError {
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.headers.get("retry-after"), clock.now());
  const fix =
    status === 401 || status === 403
      ? "check the credentials"
      : status === 404
        ? "check the address"
        : "check the server";
  return new BundleError("Unreachable", `${show(url)}: answers ${status}; ${fix}`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3) as milliseconds from now; at most an hour. */
function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 3_600_000);
}

function assertHttp(url: URL): void {
  if (url.protocol === "https:" || url.protocol === "http:") return;
  throw new BundleError(
    "InvalidSource",
    `${show(url)}: is ${url.protocol}; only https: and http: are fetched`,
  );
}

function assertMayAsk(url: URL, first: URL, hosts: readonly string[] | undefined): void {
  if (hosts === undefined || namesHost(hosts, url)) return;
  const what = url === first ? "is at" : "redirects to"; // where to is not for everyone to read
  throw new BundleError(
    "InvalidSource",
    `${show(first)}: ${what} a host that namespaced policies may not ask; use a ConfigMap or another host, or have the host added to the operator's --namespaced-bundle-hosts`,
  );
}

function parseLocation(location: string, from: URL): URL {
  const problem = (what: string) =>
    new BundleError("Unreachable", `${show(from)}: redirects ${what}; use another address`);
  if (!URL.canParse(location, from.href)) throw problem("to what is no URL");
  const to = new URL(location, from.href);
  if (to.protocol !== "https:" && to.protocol !== "http:") throw problem(`to ${to.protocol}`);
  if (from.protocol === "https:" && to.protocol === "http:") throw problem("from https: to http:");
  if (to.username !== "" || to.password !== "") throw problem("to a URL with credentials");
  return to;
}

async function exchange(
  get: HttpGet,
  agent: Agent | undefined,
  context: HttpContext,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { clock, idleMs } = context;
  const limit = {
    ms: idleMs,
    error: () =>
      new BundleError("Unreachable", `${show(get.url)}: is silent for ${idleMs} ms; try later`),
  };
  const closing = new AbortController(); // the socket lives no longer than this function
  try {
    const response = await withDeadline(clock, limit, signal, (limited) =>
      send(get, agent, closing, limited),
    );
    const { status, headers } = response;
    if (status < 200 || status >= 300) return { status, headers, body: Buffer.alloc(0) };
    assertPlain(get.url, headers);
    const declared = Number(headers.get("content-length") ?? 0);
    if (declared > get.maxBytes) throw tooLarge(get, `has ${declared} bytes`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const piece = await withDeadline(clock, limit, signal, (limited) =>
        orAborted(reader.read(), limited),
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
    throw new BundleError(
      "Unreachable",
      `${show(get.url)}: ${reasonOf(error)}; check address and server`,
      {
        cause: error,
      },
    );
  } finally {
    closing.abort();
  }
}

type FetchResponse = {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
};

async function send(
  get: HttpGet,
  agent: Agent | undefined,
  closing: AbortController,
  signal: AbortSignal,
): Promise<FetchResponse> {
  const init = {
    redirect: "manual" as const,
    headers: {
      "user-agent": "guardbee",
      // fetch would decode anything else, and digests are of what the file is
      "accept-encoding": "identity",
      ...get.headers,
      ...(get.authorization === undefined ? {} : { authorization: get.authorization }),
    },
    signal: AbortSignal.any([signal, closing.signal]),
  };
  if (agent === undefined) return fetch(get.url, init);
  // An agent works with the fetch of its own version only.
  const { fetch: undiciFetch } = await import("undici");
  return undiciFetch(get.url, { ...init, dispatcher: agent }) as Promise<FetchResponse>;
}

function assertPlain(url: URL, headers: FetchResponse["headers"]): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding === "identity") return;
  throw new BundleError(
    "NotABundle",
    `${show(url)}: is sent with Content-Encoding; serve the file as it is`,
  );
}

function tooLarge(get: HttpGet, what: string): BundleError {
  return new BundleError(
    "TooLarge",
    `${show(get.url)}: ${what}, at most ${get.maxBytes} are allowed; leave out what the policy does not need`,
  );
}

/** fetch says "fetch failed"; what failed is in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: inner } = (cause ?? {}) as { code?: string; message?: string };
  return code ?? (inner || message);
}
