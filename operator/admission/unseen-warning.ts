import type { Fleet } from "../fleet/fleet.ts";
import type { Judgement } from "../judge/judgement.ts";
import { unseenCalls } from "../judge/unseen-entry.ts";

/** `judgement` with a warning of what hooks on system calls do not see where nodes take int 0x80. */
export function warnOfUnseen(
  judgement: Judgement,
  fleet: Pick<Fleet, "nodeNames" | "nodeSets">,
): Judgement {
  const calls = judgement.kind === "accepted" ? unseenCalls(judgement.sets) : undefined;
  if (judgement.kind !== "accepted" || calls === undefined) return judgement;
  const open = fleet.nodeNames().some((node) => fleet.nodeSets(node)?.report?.takesInt80 === true);
  if (!open) return judgement;
  const warning = {
    field: "spec",
    what: `hooks system calls; 32-bit ones (int 0x80) by ${calls}, which nodes of this cluster take, are neither seen nor stopped`,
    fix: "hook a security_ function as well",
    kind: "unsupported",
  } as const;
  return { ...judgement, warnings: [...(judgement.warnings ?? []), warning] };
}
