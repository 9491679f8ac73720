import type { Clock } from "@guardbee/kube";
import { assertAuthorities } from "./authorities.ts";
import { BundleError } from "./bundle-error.ts";
import { assertMayAsk, checkedLookup, type Egress } from "./egress.ts";
import {
  exchange,
  type HttpAnswer,
  type HttpGet,
  type HttpLimits,
  whereOf,
} from "./http-exchange.ts";
import { show } from "./show-url.ts";

/** What bounds a fetch, in time and in where it may lead. */
export type HttpContext = HttpLimits & { readonly egress: Egress };

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
  const { egress } = context;
  const where = whereOf(get);
  let url = get.url;
  let authorization = get.authorization;
  for (let hops = 0; hops <= redirectsMax; hops++) {
    const hop = { url, isRedirect: hops > 0, where };
    assertHttp(url);
    assertMayAsk(hop, egress);
    const lookup = checkedLookup(hop, egress);
    const answer = await exchange({ ...get, where, url, authorization, lookup }, context, signal);
    const location = redirects.has(answer.status) ? answer.headers.location : undefined;
    if (location === undefined) return answer;
    const next = parseLocation(location, url, where);
    if (next.origin !== url.origin) authorization = undefined;
    url = next;
  }
  throw new BundleError(
    "Unreachable",
    `${where}: more than ${redirectsMax} redirects; use the address that they lead to`,
  );
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

/** An Unreachable for an answer that is no success, with what Retry-After asks for. */
export function unexpectedStatus(where: string, answer: HttpAnswer, clock: Clock): BundleError {
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.headers["retry-after"], clock.now());
  const fix =
    status === 401 || status === 403
      ? "check the credentials"
      : status === 404
        ? "check the address"
        : "check the server";
  return new BundleError("Unreachable", `${where}: answers ${status}; ${fix}`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3) as milliseconds from now; at most an hour. */
function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
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

function parseLocation(location: string, from: URL, where: string): URL {
  const problem = (what: string) =>
    new BundleError("Unreachable", `${where}: redirects ${what}; use another address`);
  if (!URL.canParse(location, from.href)) throw problem("to what is no URL");
  const to = new URL(location, from.href);
  if (to.protocol !== "https:" && to.protocol !== "http:") {
    throw problem("to what is neither https: nor http:");
  }
  if (from.protocol === "https:" && to.protocol === "http:") throw problem("from https: to http:");
  if (to.username !== "" || to.password !== "") throw problem("to a URL with credentials");
  return to;
}
