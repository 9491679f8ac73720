/** `example.com`, `example.com:8443`, `*.example.com`, `10.0.0.7:5000`, `[::1]:5000`. */
const form = /^(?:(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;

/** Throws on what names no host, saying what to write. */
export function assertHostPatterns(patterns: readonly string[]): void {
  for (const pattern of patterns) {
    if (form.test(pattern)) continue;
    throw new Error(
      `bundle hosts: ${JSON.stringify(pattern)} names no host; write name, name:port, *.domain or *.domain:port`,
    );
  }
}

/** How a list names a host: not at all, by a pattern, by its own name; or there is no list. */
export type Listing = "no" | "byPattern" | "byName" | "noList";

/**
 * How `patterns` name the host of `url`. A pattern without a port stands for that of the scheme, and
 * `*.` for one label or more.
 */
export function listingOf(patterns: readonly string[] | undefined, url: URL): Listing {
  if (patterns === undefined) return "noList";
  const naming = patterns.filter((pattern) => names(pattern, url));
  if (naming.some((pattern) => !pattern.startsWith("*."))) return "byName";
  return naming.length > 0 ? "byPattern" : "no";
}

function names(pattern: string, url: URL): boolean {
  const port = form.exec(pattern)?.[1];
  const name = (port === undefined ? pattern : pattern.slice(0, -port.length - 1)).toLowerCase();
  if (port === undefined ? url.port !== "" : Number(port) !== portOf(url)) return false;
  if (!name.startsWith("*.")) return url.hostname === name;
  return url.hostname.length >= name.length && url.hostname.endsWith(name.slice(1));
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}
