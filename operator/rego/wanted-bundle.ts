import type { RegoPolicy } from "@guardbee/policy";
import { type Bundle, BundleError, compareRevisions } from "../bundle/index.ts";

/** On a RegoPolicy: the digest of a bundle that is not used any more, also not as the last good one. */
const forgetAnnotation = "guardbee.io/forget-bundle";

/**
 * Why `policy` takes a bundle no more that is whole and signed: signatures do not expire, so whoever
 * can answer for the source could serve an old one again. TooOld, Forgotten, or undefined.
 */
export function refusalOf(bundle: Bundle, policy: RegoPolicy): BundleError | undefined {
  const { digest, revision } = bundle;
  if (policy.metadata.annotations?.[forgetAnnotation] === digest) {
    const what = `bundle: ${digest} is the one that ${forgetAnnotation} names`;
    return new BundleError("Forgotten", `${what}; ship another, or remove the annotation`);
  }
  const { minRevision } = policy.spec.bundle ?? {};
  if (minRevision === undefined) return undefined;
  const order = compareRevisions(revision, minRevision);
  if (order !== undefined && order >= 0) return undefined;
  const given = JSON.stringify(revision.slice(0, 100));
  const what =
    order === undefined
      ? `bundle: its revision ${given} cannot be compared with spec.bundle.minRevision ${JSON.stringify(minRevision)}`
      : `bundle: its revision ${given} is older than spec.bundle.minRevision ${JSON.stringify(minRevision)}`;
  return new BundleError("TooOld", `${what}; build it with opa build --revision, in the same form`);
}
