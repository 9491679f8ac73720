import type { End, Packet, Sock } from "../decide/parameter.ts";
import { parseIp } from "../ip.ts";
import { isRecord } from "../is-record.ts";
import { addressFamilies, protocols, socketStates, socketTypes } from "../net-names.ts";
import type { RecordedArgument } from "./kind.ts";

const [inet, inet6] = [addressFamilies.AF_INET, addressFamilies.AF_INET6];

/** The socket that an argument is. */
export function recordedSock({ sock_arg }: RecordedArgument): Sock | undefined {
  if (!isRecord(sock_arg)) return undefined;
  const family = numberOf(sock_arg.family, addressFamilies);
  const type = numberOf(sock_arg.type, socketTypes);
  const protocol = numberOf(sock_arg.protocol, protocols);
  const state = numberOf(sock_arg.state, socketStates);
  if (family === undefined || type === undefined) return undefined;
  if (protocol === undefined || state === undefined) return undefined;
  const sock = { family, type, protocol, state };
  if (family !== inet && family !== inet6) return sock;
  const source = endOf(sock_arg.saddr, sock_arg.sport);
  const destination = endOf(sock_arg.daddr, sock_arg.dport);
  return source && destination && { ...sock, source, destination };
}

/** The `struct sockaddr` that an argument is. */
export function recordedSockaddr({ sockaddr_arg }: RecordedArgument): Uint8Array | undefined {
  if (!isRecord(sockaddr_arg)) return undefined;
  const family = numberOf(sockaddr_arg.family, addressFamilies);
  if (family === undefined) return undefined;
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(family, 0);
  if (family !== inet && family !== inet6) return bytes;
  const end = endOf(sockaddr_arg.addr, sockaddr_arg.port);
  if (end === undefined) return undefined;
  bytes.writeUInt16BE(end.port, 2);
  bytes.set(end.address, family === inet ? 4 : 8);
  return bytes;
}

/** The packet that an argument is, where the event tells its ports, too: without them it may be a part of one. */
export function recordedPacket({ skb_arg }: RecordedArgument): Packet | undefined {
  if (!isRecord(skb_arg)) return undefined;
  const protocol = numberOf(skb_arg.protocol, protocols);
  const source = endOf(skb_arg.saddr, skb_arg.sport);
  const destination = endOf(skb_arg.daddr, skb_arg.dport);
  if (protocol === undefined || source === undefined || destination === undefined) return undefined;
  if (source.port === 0 && destination.port === 0) return undefined;
  const ports = { source: source.port, destination: destination.port };
  return { source: source.address, destination: destination.address, protocol, ports };
}

/** A name, or a number where there is none for it. */
function numberOf(text: unknown, names: Readonly<Record<string, number>>): number | undefined {
  if (typeof text !== "string") return undefined;
  if (Object.hasOwn(names, text)) return names[text];
  return /^[0-9]{1,5}$/.test(text) ? Number(text) : undefined;
}

/** Events leave out the port 0. */
function endOf(address: unknown, port: unknown = 0): End | undefined {
  const ip = typeof address === "string" ? parseIp(address) : undefined;
  if (ip === undefined || typeof port !== "number" || !Number.isInteger(port)) return undefined;
  return port < 0 || port > 65_535 ? undefined : { address: ip, port };
}
