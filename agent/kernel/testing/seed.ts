import { randomInt } from "node:crypto";

/** What random tests draw from: another seed in each run, or that of GUARDBEE_SEED to repeat one. */
export function seedOf(env: Readonly<Record<string, string | undefined>>): number {
  const given = env.GUARDBEE_SEED;
  if (given === undefined || given === "") return randomInt(2 ** 31);
  const seed = Number(given);
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(
      `GUARDBEE_SEED=${given} is not an integer; give the one that a run printed`,
    );
  }
  return seed;
}
