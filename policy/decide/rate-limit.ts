import { type Arg, readArg } from "../args/index.ts";
import type { Outcome } from "./decide.ts";
import { asItSeems, type Given, openFile } from "./parameter.ts";

/** When alike calls were reported last, in seconds, by what makes them alike. */
export type Reported = ReadonlyMap<string, number>;

/** Who makes a call, when, and what it hands over. */
export type LimitedCall = {
  readonly thread: number;
  readonly process: number;
  /** By which entry a system call is made: each has limits of its own. */
  readonly entry: string;
  readonly at: number;
  readonly given: Given;
  /** What the hook of an outcome reads. */
  argsOf(outcome: Outcome): readonly Arg[];
};

/** Bytes of each argument that alike calls have in common; all, where it is a number. */
const comparedBytes = 40;

/**
 * The outcomes of a call, those not posted that a rate limit holds back, and what was reported after
 * it. Calls are alike in which a selector finds the same arguments: of texts, the same length and
 * beginning. What a call does, other than its event, a rate limit leaves as it is.
 */
export function rateLimited(
  outcomes: readonly Outcome[],
  reported: Reported,
  call: LimitedCall,
): { readonly outcomes: readonly Outcome[]; readonly reported: Reported } {
  const after = new Map(reported);
  const left = outcomes.map((outcome): Outcome => {
    const limit = outcome.actions.find((one) => one.action === "Post" && one.every !== undefined);
    if (!outcome.posted || outcome.unseen || limit?.action !== "Post") return outcome;
    const { every, per } = limit;
    const whose = per === "global" ? "" : call[per ?? "thread"];
    const args = call.argsOf(outcome).map((arg) => alike(arg, call.given));
    const of = [outcome.set, outcome.hook, outcome.selector, call.entry, whose];
    const key = [...of, ...args].join("\n");
    const last = after.get(key);
    if (last !== undefined && call.at - last < every!) return { ...outcome, posted: false };
    after.set(key, call.at);
    return outcome;
  });
  return { outcomes: left, reported: after };
}

function alike(arg: Arg, given: Given): string {
  const reading = readArg(arg, asItSeems(given));
  if (reading === "unknown") return reading;
  // A descriptor that is closed, and one of what has no path.
  if (reading === undefined) return openFile(arg, given) === undefined ? "closed" : "none";
  // Of a name without a path there is nothing to show, whatever kind of file it is.
  if (arg.type === "dentry" && reading.path === undefined) return "closed";
  const facets = Object.values(reading).map((facet) =>
    typeof facet === "bigint" || facet === "unknown"
      ? String(facet)
      : `${facet.length} ${Buffer.from(facet.subarray(0, comparedBytes)).toString("hex")}`,
  );
  return facets.join(" ");
}
