import type { Difference } from "../engine.ts";

/** What is other than it was made. */
export type Found = Pick<Difference, "kind" | "what" | "sets">;

/** The difference after `repair`, which throws where it cannot. */
export function repairing(found: Found, repair: () => void): Difference {
  try {
    repair();
    return { ...found, state: "repaired" };
  } catch (error) {
    return failed(found, error);
  }
}

/** None where `isRight` says so; what that cannot tell, and throws, is not repaired. */
export function repairingUnless(
  found: Found,
  isRight: () => boolean,
  repair: () => Difference,
): Difference | undefined {
  try {
    if (isRight()) return undefined;
  } catch (error) {
    return failed(found, error);
  }
  return repair();
}

function failed(found: Found, error: unknown): Difference {
  const message = error instanceof Error ? error.message : String(error);
  return { ...found, state: "failed", message };
}
