import type { ArgKind } from "./kind.ts";

/** A type that events show, and nothing is compared with: a pointer to that struct of the kernel. */
export function reportedKind(struct: string) {
  return {
    aliases: [],
    instead: `hook a kernel function that is given one: programs pass no struct ${struct}`,
    // Of no type that a policy of one namespace may read.
    parameters: [],
    facets: {},
    operators: {},
    upstreamOperators: [],
    read: () => ({}),
    recorded: () => ({ kind: "unread" }), // nothing is compared with it
    samples: [],
  } as const satisfies ArgKind;
}
