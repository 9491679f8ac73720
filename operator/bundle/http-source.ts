import { authorizationOf } from "./authorization.ts";
import type { BundleSource } from "./bundle.ts";
import type { Content, ContentContext } from "./content.ts";
import { assertDigest, assertPin, contentDigest } from "./content-digest.ts";
import { httpGet, parseHttpUrl, unexpectedStatus } from "./http-get.ts";
import { show } from "./show-url.ts";

type HttpSource = Extract<BundleSource, { readonly kind: "http" }>;

/** The tarball at a URL, checked against the pinned digest; `unchanged` when the server says so. */
export async function fetchHttp(
  source: HttpSource,
  context: ContentContext,
  signal: AbortSignal,
): Promise<Content> {
  const url = parseHttpUrl(source.url);
  assertPin(show(url), source.digest);
  const { etag, limits } = context;
  const answer = await httpGet(
    {
      url,
      headers: etag === undefined ? {} : { "if-none-match": etag },
      authorization: authorizationOf(source.credentials),
      ca: source.ca,
      maxBytes: limits.compressedBytes,
    },
    context,
    signal,
  );
  if (answer.status === 304 && etag !== undefined) return { kind: "unchanged", etag };
  if (answer.status !== 200) throw unexpectedStatus(show(url), answer, context.clock);
  if (source.digest !== undefined) assertDigest(show(url), answer.body, source.digest);
  const newEtag = answer.headers.etag;
  return {
    kind: "content",
    tarball: answer.body,
    digest: contentDigest(answer.body),
    ...(newEtag === undefined ? {} : { etag: newEtag }),
  };
}
