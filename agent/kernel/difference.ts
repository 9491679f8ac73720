import type { Difference } from "../engine.ts";

/** The difference after `repair`, which throws where it cannot. */
export function repairing(
  found: Pick<Difference, "kind" | "what" | "sets">,
  repair: () => void,
): Difference {
  try {
    repair();
    return { ...found, state: "repaired" };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...found, state: "failed", message };
  }
}
