import dns from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { type AddressKind, addressKind } from "./address.ts";
import { BundleError } from "./bundle-error.ts";
import { type Listing, listingOf } from "./host-list.ts";

/** Where fetches may lead: redirects, token services and what names resolve to included. */
export type Egress = {
  /** The only hosts that are asked, as assertHostPatterns takes them; absent: any. */
  readonly hosts?: readonly string[] | undefined;
  /** The operator's option that adds a host, for messages. */
  readonly option: "--bundle-hosts" | "--namespaced-bundle-hosts";
};

/** A request: one that the source's author asked for, or one that a redirect did. */
export type Hop = { readonly url: URL; readonly isRedirect: boolean; readonly where: string };

/**
 * InvalidSource unless `egress` lets the host of a request be asked. An address in the URL is checked
 * here, because no name is looked up for it.
 */
export function assertMayAsk(hop: Hop, egress: Egress): void {
  const listing = listingOf(egress.hosts, hop.url);
  if (listing === "no") throw refusal(hop, egress, "a host that is not listed");
  const literal = hop.url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) === 0 || mayReach(addressKind(literal), listing, true)) return;
  throw refusal(hop, egress, insideAddress);
}

/**
 * `dns.lookup` that fails with InvalidSource when one of the addresses may not be reached. It is given
 * to the connection itself, so what was checked is what is connected to. Through a proxy it is not
 * called: there the proxy looks names up, and decides.
 */
export function checkedLookup(hop: Hop, egress: Egress): LookupFunction {
  const listing = listingOf(egress.hosts, hop.url);
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      if (!addresses.every(({ address }) => mayReach(addressKind(address), listing, false))) {
        return callback(refusal(hop, egress, insideAddress), []);
      }
      if (options.all) return callback(null, addresses);
      const { address, family } = addresses[0]!;
      callback(null, address, family);
    });
  };
}

/** `literal`: the URL names the address itself. */
function mayReach(kind: AddressKind, listing: Listing, literal: boolean): boolean {
  switch (kind) {
    case "public":
      return true;
    // Whoever owns a domain decides what its names resolve to, so a pattern does not vouch for it.
    case "private":
      return listing !== "byPattern";
    case "loopback":
      return listing === "byName";
    case "local":
      return listing === "byName" && literal;
  }
}

const insideAddress = "an address that bundles do not come from unless it is listed";

function refusal({ isRedirect, where }: Hop, { option }: Egress, what: string): BundleError {
  const how = isRedirect ? "redirects to" : "is at"; // where to is not for everyone to read
  return new BundleError(
    "InvalidSource",
    `${where}: ${how} ${what}; use a ConfigMap or another host, or have the host added to the operator's ${option}`,
  );
}
