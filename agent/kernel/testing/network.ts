/** Test support: sockets and packets in bytes, and as events show them. */
import type { Arg, HookCall, Packet, Sock } from "@guardbee/policy";
import { formatIp } from "../../../policy/ip.ts";
import type { HookArg } from "../../args/index.ts";

/** As bpf/testing/objects.h takes a socket. */
export function sockBytes({
  family,
  type,
  protocol,
  state,
  source,
  destination,
}: Sock): Uint8Array {
  const numbers = [family, type, protocol, state, source?.port ?? 0, destination?.port ?? 0];
  const ip = (end: Sock["source"]) => {
    const bytes = new Uint8Array(16);
    bytes.set(end?.address ?? []);
    return bytes;
  };
  return Buffer.concat([...numbers.map(u16), ip(source), ip(destination)]);
}

function u16(value: number): Uint8Array {
  return Buffer.of(value & 255, value >> 8);
}

const [tcp, hopByHop, fragment] = [6, 0, 44];

/** The packet from its first header on. */
export function packetBytes(packet: Packet | "none"): Uint8Array {
  if (packet === "none") return Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]); // a question of ARP
  const { ports } = packet;
  const above = Buffer.alloc(8);
  if (typeof ports === "object") {
    above.writeUInt16BE(ports.source, 0);
    above.writeUInt16BE(ports.destination, 2);
  }
  return packet.source.length === 4 ? ipv4(packet, above) : ipv6(packet, above);
}

function ipv4({ source, destination, protocol, ports }: Packet, above: Uint8Array): Uint8Array {
  const options = 8;
  const header = Buffer.alloc(20 + options);
  header[0] = (4 << 4) | (header.length / 4);
  // Behind the first 8 bytes, or the first of several.
  header.writeUInt16BE(ports === "unknown" ? 1 : 0x2000, 6);
  header[9] = Number(protocol);
  header.set(source, 12);
  header.set(destination, 16);
  return Buffer.concat([header, above]);
}

function ipv6({ source, destination, protocol, ports }: Packet, above: Uint8Array): Uint8Array {
  const header = Buffer.alloc(40);
  header[0] = 6 << 4;
  header.set(source, 8);
  header.set(destination, 24);
  const isPart = ports === "unknown" && protocol !== "unknown";
  const count = protocol === "unknown" ? 9 : 2;
  const last = protocol === "unknown" ? tcp : protocol;
  const more = Array.from({ length: count }, (_, i) => {
    const size = i % 2; // in units of 8 bytes, beyond the first
    const next = i + 1 < count ? hopByHop : isPart ? fragment : last;
    return Buffer.concat([Buffer.of(next, size), Buffer.alloc(6 + 8 * size)]);
  });
  header[6] = hopByHop;
  const part = isPart ? [Buffer.from([last, 0, 0, 8, 0, 0, 0, 1])] : [];
  return Buffer.concat([header, ...more, ...part, above]);
}

/** What an event has of it, but what the engine does not compare. */
export function networkText(arg: HookArg): string {
  switch (arg.type) {
    case "sock":
    case "socket": {
      const { mark: _m, priority: _p, cookie: _c, ...compared } = arg;
      return text(compared);
    }
    case "skb": {
      const { hash: _h, len: _l, mark: _m, priority: _p, ...compared } = arg;
      return text(compared);
    }
    case "sockaddr":
    case "net_device":
      return text(arg);
    default:
      throw new Error(`${arg.type} is nothing of the network`);
  }
}

/** The same of what a call was given, which can be read; undefined: it is nothing of the network. */
export function wantedNetworkText(
  { type, index }: Arg,
  { parameters }: HookCall,
): string | undefined {
  const given = parameters[index]!;
  if (type === "net_device")
    return given.kind === type ? text({ type, name: given.name }) : undefined;
  if (given.kind === "sock" || given.kind === "socket") return text(sockShown(type, given.sock!));
  if (given.kind === "skb") return text(packetShown(given.packet!));
  if (type !== "sockaddr" || given.kind !== "buffer") return undefined;
  const bytes = Buffer.from(given.bytes!);
  const family = bytes.readUInt16LE(0);
  if (family !== 2 && family !== 10) return text({ type, family, port: 0, addr: "invalid IP" });
  const addr = formatIp(family === 2 ? bytes.subarray(4, 8) : bytes.subarray(8, 24));
  return text({ type, family, port: bytes.readUInt16BE(2), addr });
}

function sockShown(shown: string, { type, source, destination, ...numbers }: Sock): object {
  const ip = (end: Sock["source"]) => (end === undefined ? "invalid IP" : formatIp(end.address));
  return {
    ...{ type: shown, ...numbers, socketType: type },
    ...{ saddr: ip(source), daddr: ip(destination) },
    ...{ sport: source?.port ?? 0, dport: destination?.port ?? 0 },
  };
}

function packetShown(packet: Packet | "none"): object {
  const none = { type: "skb", family: 0, protocol: 0, sport: 0, dport: 0 };
  if (packet === "none") return { ...none, saddr: "invalid IP", daddr: "invalid IP" };
  const { source, destination, protocol, ports } = packet;
  return {
    ...{ ...none, family: source.length === 4 ? 2 : 10 },
    ...{ protocol: protocol === "unknown" ? 0 : protocol },
    ...{ saddr: formatIp(source), daddr: formatIp(destination) },
    ...(typeof ports === "object" && { sport: ports.source, dport: ports.destination }),
  };
}

/** Equal for what has equal fields. */
function text(fields: object): string {
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
