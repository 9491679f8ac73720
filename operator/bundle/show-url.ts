/** A URL for messages: without its query, which may be a signature. */
export function show(url: URL): string {
  return `${url.origin === "null" ? url.protocol : url.origin}${url.pathname}`;
}
