import { BlockList, isIPv6 } from "node:net";

/**
 * What an address leads to, after IANA's special-purpose registries (RFC 6890):
 * - `public`: anywhere;
 * - `private`: this network (RFC 1918, RFC 4193, RFC 6598);
 * - `loopback`: this machine;
 * - `local`: this link, the platform's own services (cloud metadata), or no host at all.
 */
export type AddressKind = "public" | "private" | "loopback" | "local";

const local = blockList([
  "0.0.0.0/8",
  "169.254.0.0/16", // link-local; where most clouds have their metadata
  "168.63.129.16/32", // Azure's platform services
  "100.100.100.200/32", // Alibaba Cloud's metadata
  "192.0.0.0/24",
  "192.0.2.0/24", // examples, as the next two
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "fd00:ec2::254/128", // AWS's metadata
  "fd20:ce::254/128", // Google Cloud's metadata
  "2001::/23", // protocols, Teredo with its IPv4 addresses among them
  "2001:db8::/32", // examples, as the next one
  "3fff::/20",
]);
/** All that is routed on the Internet (RFC 4291 §2.4): what is in neither this nor ours is no host. */
const globalUnicast = blockList(["2000::/3"]);
const loopback = blockList(["127.0.0.0/8", "::1/128"]);
const privateRanges = blockList([
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "198.18.0.0/15",
  "fc00::/7",
]);

/** The kind of an IPv4 or IPv6 address; of an IPv6 address that holds an IPv4 one, that one's. */
export function addressKind(address: string): AddressKind {
  const inner = isIPv6(address) ? embeddedIPv4(address) : undefined;
  if (inner !== undefined) return addressKind(inner);
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (local.check(address, family)) return "local";
  if (loopback.check(address, family)) return "loopback";
  if (privateRanges.check(address, family)) return "private";
  return family === "ipv4" || globalUnicast.check(address, family) ? "public" : "local";
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, bits] = range.split("/") as [string, string];
    list.addSubnet(network, Number(bits), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

/**
 * Of IPv4-mapped and -compatible (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, and of RFC 8215's
 * prefix what ends in the address) and 6to4 (RFC 3056) addresses.
 */
function embeddedIPv4(address: string): string | undefined {
  const words = wordsOf(address);
  const zeros = (from: number, to: number) => words.slice(from, to).every((word) => word === 0);
  const mapped = zeros(0, 5) && words[5] === 0xffff;
  const translated = zeros(0, 4) && words[4] === 0xffff && words[5] === 0;
  const compatible = zeros(0, 6) && (words[6] !== 0 || words[7]! > 1);
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b && words[2]! <= 1 && zeros(3, 6);
  if (mapped || translated || compatible || nat64) return dotted(words[6]!, words[7]!);
  return words[0] === 0x2002 ? dotted(words[1]!, words[2]!) : undefined;
}

/** The eight 16-bit words of an IPv6 address, however it is written. */
function wordsOf(address: string): readonly number[] {
  const { hostname } = new URL(`http://[${address.split("%", 1)[0]}]`); // as RFC 5952 writes it
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const words = (text: string) =>
    (text === "" ? [] : text.split(":")).map((word) => parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? "")];
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
