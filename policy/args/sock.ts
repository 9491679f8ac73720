import type { End, Given } from "../decide/parameter.ts";
import { unmapped } from "../ip.ts";
import { socketOperators } from "../schema/vocabulary.ts";
import type { ArgKind, MaybeReading } from "./kind.ts";
import { destinationEnd, Family, Protocol, State, sourceEnd } from "./net-operators.ts";
import { recordedSock } from "./recorded-net.ts";

/** What all types have in common that are a socket. */
export const ofSock = {
  aliases: [],
  instead: "hook the kernel function behind it: programs pass no socket of the kernel",
  facets: {
    ...({ family: "number", type: "number", protocol: "number", state: "number" } as const),
    ...({ saddr: "address", daddr: "address", sport: "number", dport: "number" } as const),
  },
  operators: { ...sourceEnd, ...destinationEnd, Protocol, Family, State },
  upstreamOperators: socketOperators,
  standsFor: "socket",
  samples: [],
} as const satisfies Partial<ArgKind>;

/** A `struct sock *`: the ends of a connection, where it is one of IP. */
export const sock = {
  ...ofSock,
  parameters: ["struct sock *"],
  read: (index, call) => readSock("sock", index, call),
  recorded: (argument) => {
    const sock = recordedSock(argument);
    return sock && { kind: "sock", sock };
  },
} as const satisfies ArgKind;

export function readSock(
  kind: "sock" | "socket",
  index: number,
  { parameters }: Given,
): MaybeReading {
  const parameter = parameters[index];
  if (parameter?.kind !== kind || parameter.sock === undefined) return "unknown";
  const { family, type, protocol, state, source, destination } = parameter.sock;
  return {
    ...{ family: BigInt(family), type: BigInt(type) },
    ...{ protocol: BigInt(protocol), state: BigInt(state) },
    ...(source && end("s", source)),
    ...(destination && end("d", destination)),
  };
}

function end(side: "s" | "d", { address, port }: End) {
  return { [`${side}addr`]: unmapped(address), [`${side}port`]: BigInt(port) };
}
