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
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/128",
  "fe80::/10",
  "fec0::/10",
  "fd00:ec2::254/128", // AWS's metadata
  "fd20:ce::254/128", // Google Cloud's metadata
  "ff00::/8",
]);
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
  return privateRanges.check(address, family) ? "private" : "public";
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, bits] = range.split("/") as [string, string];
    list.addSubnet(network, Number(bits), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

/** Of IPv4-mapped and -compatible (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056) addresses. */
function embeddedIPv4(address: string): string | undefined {
  const words = wordsOf(address);
  const zeros = (from: number, to: number) => words.slice(from, to).every((word) => word === 0);
  const mapped = zeros(0, 5) && words[5] === 0xffff;
  const compatible = zeros(0, 6) && (words[6] !== 0 || words[7]! > 1);
  const nat64 = words[0] === 0x64 && words[1] === 0xff9b && (zeros(2, 6) || words[2] === 1);
  if (mapped || compatible || nat64) return dotted(words[6]!, words[7]!);
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
