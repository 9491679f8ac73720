/** Test support: random sockets, packets and addresses. */
import fc from "fast-check";
import { parseIp } from "../ip.ts";
import type { End, Packet, Sock } from "./parameter.ts";

/** What a call of the network is given; undefined: it cannot be read. */
export type Network = {
  readonly sock: Sock | undefined;
  readonly packet: Packet | "none" | undefined;
  /** A struct sockaddr. */
  readonly address: Uint8Array | undefined;
  readonly device: string | undefined;
};

const [unix, inet, inet6] = [1, 2, 10];
const ipv4 = ["127.0.0.1", "10.1.0.7", "10.1.2.2", "10.1.2.4", "11.0.0.1", "0.0.0.0"];
const ipv6 = ["::1", "2001:db8::7", "2001:db9::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1", "::"];
const ports = fc.constantFrom(0, 22, 80, 443, 1023, 1024, 1050, 8443, 65535);

const ipOf = (texts: readonly string[]) => fc.constantFrom(...texts.map((text) => parseIp(text)!));
const endOf = (texts: readonly string[]): fc.Arbitrary<End> =>
  fc.record({ address: ipOf(texts), port: ports });

const kinds = {
  type: fc.constantFrom(1, 2, 3),
  protocol: fc.constantFrom(0, 1, 6, 17, 262),
  state: fc.constantFrom(1, 7, 10, 12),
};
const anySock: fc.Arbitrary<Sock> = fc.oneof(
  fc.record({ family: fc.constantFrom(0, unix, 17, 44), ...kinds }),
  ...([[inet, ipv4] as const, [inet6, ipv6] as const] as const).map(([family, texts]) =>
    fc.record({
      ...{ family: fc.constant(family), ...kinds },
      ...{ source: endOf(texts), destination: endOf(texts) },
    }),
  ),
);

const anyPacket: fc.Arbitrary<Packet | "none"> = fc.oneof(
  fc.constant("none" as const),
  ...[ipv4, ipv6].map((texts) =>
    fc
      .record({
        ...{ source: ipOf(texts), destination: ipOf(texts) },
        protocol: fc.constantFrom(1, 6, 6, 17, 17, ...(texts === ipv6 ? ["unknown" as const] : [])),
        ports: fc.oneof(
          { weight: 1, arbitrary: fc.constant("unknown" as const) },
          { weight: 4, arbitrary: fc.record({ source: ports, destination: ports }) },
        ),
      })
      .map(({ ports, ...packet }): Packet => {
        // Behind headers that are too many there are ports of some kind, or none: nobody knows.
        if (packet.protocol === "unknown") return { ...packet, ports: "unknown" };
        return packet.protocol === 1 ? packet : { ...packet, ports };
      }),
  ),
);

const anyAddress: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constantFrom(0, unix, 16).map((family) => addressBytes(family, undefined)),
  endOf(ipv4).map((end) => addressBytes(inet, end)),
  endOf(ipv6).map((end) => addressBytes(inet6, end)),
);

/** A struct sockaddr in 28 bytes, of which AF_INET has 16. */
export function addressBytes(family: number, end: End | undefined): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(family);
  if (end === undefined) return bytes;
  bytes.writeUInt16BE(end.port, 2);
  bytes.set(end.address, family === inet ? 4 : 8);
  return bytes;
}

const orNone = <T>(any: fc.Arbitrary<T>) => fc.option(any, { nil: undefined, freq: 8 });

export const anyNetwork: fc.Arbitrary<Network> = fc.record({
  sock: orNone(anySock),
  packet: orNone(anyPacket),
  address: orNone(anyAddress),
  device: orNone(fc.constantFrom("lo", "eth0", "e", "")),
});
