import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind } from "./kind.ts";
import { recordedText } from "./recorded.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

/** A `struct net_device *`, by its name. */
export const net_device = {
  aliases: [],
  instead: "hook a kernel function that is given one: programs pass no device of the kernel",
  // Of no type that a policy of one namespace may read.
  parameters: [],
  facets: { name: "text" },
  operators: operatorsOnText("name", checkBytes),
  upstreamOperators: textOperators,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "net_device" || parameter.name === undefined) return "unknown";
    return { name: new TextEncoder().encode(parameter.name) };
  },
  recorded: (argument) => {
    const name = recordedText(argument);
    return name && { kind: "net_device", name: new TextDecoder().decode(name) };
  },
  samples: ["lo", "l", "eth0", "eth"],
} as const satisfies ArgKind;
