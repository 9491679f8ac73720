import { isIPv4, isIPv6 } from "node:net";
import { RegoObject, RegoSet, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { membersOf, stringOf } from "./operands.ts";

export const cidr: Readonly<Record<string, Builtin>> = {
  "net.cidr_is_valid": (text) => typeof text === "string" && parseNetwork(text) !== undefined,
  "net.cidr_expand": (text) => expand(networkOf(text)),
  "net.cidr_merge": (networks) => merge(membersOf(networks).map(networkOrAddress)),
  "net.cidr_contains_matches": (networks, others) => containsMatches(networks!, others!),
};

/** `bits` is 32 or 128, `value` has that many; an address mapped from IPv4 counts as IPv4. */
type Address = { readonly bits: 32 | 128; readonly value: bigint };
/** `value` is as it was written: for what it holds, mask it. */
type Network = Address & { readonly prefix: number };

function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { bits: 32, value: ipv4Value(text) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const value = ipv6Value(text);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function parseNetwork(text: string): Network | undefined {
  const [, base = "", digits = ""] = /^([^/]*)\/(\d+)$/.exec(text) ?? [];
  const prefix = Number(digits);
  const address = parseAddress(base);
  if (address === undefined || prefix > (base.includes(":") ? 128 : 32)) return undefined;
  if (address.bits === 128 || !base.includes(":")) return { ...address, prefix };
  if (prefix >= 96) return { ...address, prefix: prefix - 96 };
  return { bits: 128, value: (0xffffn << 32n) | address.value, prefix };
}

function networkOf(value: RegoValue | undefined): Network {
  const text = stringOf(value);
  const network = parseNetwork(text);
  if (network === undefined) throw new BuiltinError(`${text} is no CIDR`);
  return { ...network, value: firstOf(network) };
}

/** A lone IPv4 address stands for the network of its class, as in Go's DefaultMask. */
function networkOrAddress(value: RegoValue): Network {
  const text = stringOf(value);
  const address = parseAddress(text);
  if (address === undefined) return networkOf(text);
  if (address.bits === 128) throw new BuiltinError("IPv6 invalid: needs prefix length");
  const firstByte = Number(address.value >> 24n);
  return { ...address, prefix: firstByte < 128 ? 8 : firstByte < 192 ? 16 : 24 };
}

function ipv4Value(text: string): bigint {
  return text.split(".").reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function ipv6Value(text: string): bigint {
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const tail = dotted === undefined ? undefined : ipv4Value(dotted);
  const hex =
    tail === undefined
      ? text
      : text.replace(dotted!, `${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`);
  const [head = "", rest] = hex.split("::");
  const groupsOf = (part: string) => (part === "" ? [] : part.split(":"));
  const [front, back] = [groupsOf(head), groupsOf(rest ?? "")];
  const missing = rest === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(missing).fill("0"), ...back];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function firstOf({ bits, value, prefix }: Network): bigint {
  const host = BigInt(bits - prefix);
  return (value >> host) << host;
}

function lastOf(network: Network): bigint {
  return firstOf(network) + (1n << BigInt(network.bits - network.prefix)) - 1n;
}

function contains(network: Network, other: Network): boolean {
  return (
    network.bits === other.bits &&
    network.prefix <= other.prefix &&
    firstOf(network) === firstOf({ ...other, prefix: network.prefix })
  );
}

/** More is no list for a policy; OPA itself would run until its deadline. */
const mostAddresses = 1n << 16n;

function expand(network: Network): RegoValue {
  const [first, last] = [firstOf(network), lastOf(network)];
  const count = last - first + 1n;
  if (count > mostAddresses) throw new Error(`has ${count} addresses, more than ${mostAddresses}`);
  const addresses = Array.from({ length: Number(count) }, (_, i) =>
    formatAddress({ bits: network.bits, value: first + BigInt(i) }),
  );
  return new RegoSet(addresses);
}

type Range = { first: bigint; readonly last: bigint; network: Network | undefined };

/** IPv4 lies among IPv6 where its mapped addresses are, as OPA sorts and merges. */
function merge(networks: readonly Network[]): RegoValue {
  const mapped = (bits: 32 | 128, value: bigint) =>
    bits === 32 ? (0xffffn << 32n) | value : value;
  const ranges = networks
    .map(
      (network): Range => ({
        first: mapped(network.bits, firstOf(network)),
        last: mapped(network.bits, lastOf(network)),
        network,
      }),
    )
    .sort((a, b) => compare(a.last, b.last) || compare(a.first, b.first));
  for (let i = ranges.length - 1; i > 0; i--) {
    const [before, range] = [ranges[i - 1]!, ranges[i]!];
    const lowest = range.first === 0n || range.first === 0xffffn << 32n;
    if ((lowest ? range.first : range.first - 1n) > before.last) continue;
    const first = before.first < range.first ? before.first : range.first;
    ranges.splice(i - 1, 2, { first, last: range.last, network: undefined });
  }
  return new RegoSet(
    ranges.flatMap((range) =>
      range.network === undefined ? networksOf(range) : [formatNetwork(range.network)],
    ),
  );
}

/** The fewest networks that make up a range. */
function networksOf(range: Range): readonly string[] {
  const isV4 = range.first >> 32n === 0xffffn;
  const base = isV4 ? 0xffffn << 32n : 0n;
  const bits = isV4 ? 32 : 128;
  const [first, last] = [range.first - base, range.last - base];
  const found: string[] = [];
  for (let at = first; at <= last; ) {
    let host = 0;
    while (host < bits && at % (1n << BigInt(host + 1)) === 0n) {
      if (at + (1n << BigInt(host + 1)) - 1n > last) break;
      host++;
    }
    found.push(formatNetwork({ bits, value: at, prefix: bits - host }));
    at += 1n << BigInt(host);
  }
  return found;
}

function containsMatches(networks: RegoValue, others: RegoValue): RegoValue {
  const pairs = indexed(others);
  return new RegoSet(
    indexed(networks).flatMap(([index, network]) =>
      pairs.flatMap(([otherIndex, other]) =>
        contains(networkOf(network), addressOrNetwork(other)) ? [[index, otherIndex]] : [],
      ),
    ),
  );
}

function addressOrNetwork(value: RegoValue): Network {
  const address = parseAddress(stringOf(value));
  return address === undefined ? networkOf(value) : { ...address, prefix: address.bits };
}

/** A string is its own index; members of a set too; else the position or key. */
function indexed(value: RegoValue): readonly (readonly [RegoValue, RegoValue])[] {
  if (typeof value === "string") return [[value, value]];
  if (value instanceof RegoObject) return value.entries.map(([k, v]) => [k, networkText(v)]);
  if (value instanceof RegoSet) return value.items.map((item) => [item, networkText(item)]);
  return Array.isArray(value) ? value.map((item, i) => [i, networkText(item)]) : [];
}

function networkText(value: RegoValue): RegoValue {
  const text = Array.isArray(value) ? value[0] : typeof value === "string" ? value : undefined;
  if (text === undefined) throw new BuiltinError("element must be string or non-empty array");
  return text;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function formatNetwork(network: Network): string {
  return `${formatAddress(network)}/${network.prefix}`;
}

/** IPv6 as RFC 5952 has it. */
function formatAddress({ bits, value }: Address): string {
  if (bits === 32) {
    return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
  }
  if (value >> 32n === 0xffffn) return formatAddress({ bits: 32, value: value & 0xffffffffn });
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const runs = [...groups.join(":").matchAll(/\b0(?::0\b)+/g)].map((match) => match[0]);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return groups.join(":");
  const text = groups.join(":");
  const at = text.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  return `${text.slice(0, at)}:${text.slice(at + longest.length)}`
    .replace(/:{2,}/, "::")
    .replace(/^:(?!:)/, "::")
    .replace(/(?<!:):$/, "::");
}
