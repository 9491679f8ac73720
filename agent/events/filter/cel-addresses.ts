import { BlockList, isIP } from "node:net";
import { type CelFunc, CelScalar, celFunc, celMethod } from "@bufbuild/cel";

const { BOOL, INT, STRING } = CelScalar;

/** Kubernetes' functions of addresses and networks, as far as filters of events need them; both are texts. */
export const addressFunctions: readonly CelFunc[] = [
  celFunc("isIP", [STRING], BOOL, (text) => isIP(text) !== 0),
  celFunc("ip", [STRING], STRING, (text) => address(text)),
  celMethod("family", STRING, [], INT, function () {
    return BigInt(isIP(address(String(this))));
  }),
  celMethod("isLoopback", STRING, [], BOOL, function () {
    return contains("127.0.0.0/8", String(this)) || contains("::1/128", String(this));
  }),
  celMethod("isUnspecified", STRING, [], BOOL, function () {
    return contains("0.0.0.0/32", String(this)) || contains("::/128", String(this));
  }),
  celFunc("isCIDR", [STRING], BOOL, (text) => parseNetwork(text) !== undefined),
  celFunc("cidr", [STRING], STRING, (text) => {
    network(text);
    return text;
  }),
  celMethod("prefixLength", STRING, [], INT, function () {
    return BigInt(network(String(this)).bits);
  }),
  celMethod("containsIP", STRING, [STRING], BOOL, function (text) {
    return contains(String(this), text);
  }),
  celMethod("containsCIDR", STRING, [STRING], BOOL, function (text) {
    const inner = network(text);
    return inner.bits >= network(String(this)).bits && contains(String(this), inner.address);
  }),
];

type Network = {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
};

function parseNetwork(text: string): Network | undefined {
  const [, of = "", length = ""] = text.match(/^([^/]+)\/(\d{1,3})$/) ?? [];
  const version = isIP(of);
  const bits = Number(length);
  if (version === 0 || bits > (version === 4 ? 32 : 128)) return undefined;
  return { address: of, bits, family: version === 4 ? "ipv4" : "ipv6" };
}

function network(text: string): Network {
  const found = parseNetwork(text);
  if (found === undefined) throw new Error(`${text} is no network`);
  return found;
}

function address(text: string): string {
  if (isIP(text) === 0) throw new Error(`${text} is no address`);
  return text;
}

function contains(cidr: string, text: string): boolean {
  const { address: of, bits, family } = network(cidr);
  const list = new BlockList();
  list.addSubnet(of, bits, family);
  const version = isIP(address(text));
  return version === (family === "ipv4" ? 4 : 6) && list.check(text, family);
}
