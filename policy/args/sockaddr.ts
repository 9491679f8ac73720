import { unmapped } from "../ip.ts";
import { sourceOperators } from "../schema/vocabulary.ts";
import type { ArgKind } from "./kind.ts";
import { Family, sourceEnd } from "./net-operators.ts";
import { recordedSockaddr } from "./recorded-net.ts";

const [inet, inet6] = [2, 10];

/** A `struct sockaddr *`: an address and a port, which the operators for sources compare. */
export const sockaddr = {
  aliases: [],
  // How much of it there is would be another parameter.
  parameters: [],
  facets: { family: "number", saddr: "address", sport: "number" },
  operators: { ...sourceEnd, Family },
  upstreamOperators: sourceOperators,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return "unknown";
    const bytes = Buffer.from(parameter.bytes);
    const family = bytes.readUInt16LE(0);
    if (family !== inet && family !== inet6) return { family: BigInt(family) };
    const ip = family === inet ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
    return {
      family: BigInt(family),
      ...{ saddr: unmapped(Uint8Array.from(ip)), sport: BigInt(bytes.readUInt16BE(2)) },
    };
  },
  recorded: (argument) => {
    const bytes = recordedSockaddr(argument);
    return bytes && { kind: "buffer", bytes };
  },
  samples: [],
} as const satisfies ArgKind;
