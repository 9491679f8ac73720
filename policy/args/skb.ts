import { unmapped } from "../ip.ts";
import { packetOperators } from "../schema/vocabulary.ts";
import type { ArgKind } from "./kind.ts";
import { destinationEnd, Family, Protocol, sourceEnd } from "./net-operators.ts";
import { recordedPacket } from "./recorded-net.ts";

const [inet, inet6] = [2n, 10n];

/** A `struct sk_buff *`: the packet in it, as its headers say. */
export const skb = {
  aliases: [],
  instead: "hook a kernel function that is given one: programs pass no packet of the kernel",
  // Of no type that a policy of one namespace may read: its packet may be another's.
  parameters: [],
  facets: {
    ...({ family: "number", protocol: "number" } as const),
    ...({ saddr: "address", daddr: "address", sport: "number", dport: "number" } as const),
  },
  operators: { ...sourceEnd, ...destinationEnd, Protocol, Family },
  upstreamOperators: packetOperators,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "skb" || parameter.packet === undefined) return "unknown";
    const { packet } = parameter;
    if (packet === "none") return { family: 0n };
    const { source, destination, protocol, ports } = packet;
    return {
      family: source.length === 4 ? inet : inet6,
      protocol: protocol === "unknown" ? protocol : BigInt(protocol),
      ...{ saddr: unmapped(source), daddr: unmapped(destination) },
      ...(ports === "unknown" && { sport: ports, dport: ports }),
      ...(typeof ports === "object" && {
        ...{ sport: BigInt(ports.source), dport: BigInt(ports.destination) },
      }),
    };
  },
  recorded: (argument) => {
    const packet = recordedPacket(argument);
    return packet && { kind: "skb", packet };
  },
  samples: [],
} as const satisfies ArgKind;
