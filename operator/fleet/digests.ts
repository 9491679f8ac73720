import { BoundedMap } from "@guardbee/kube";
import { nodeDigest } from "@guardbee/policy";

/** Name → hash of everything a node has programmed. */
export type Holdings = ReadonlyMap<string, string>;

const maxKnown = 512;

/**
 * Reads digests: which sets, at which hashes, a digest stands for. It knows what was expected
 * lately, so that a node that lags behind one policy's change still counts as holding the others.
 * Bounded: the 512 used last.
 */
export class Digests {
  /** In order of last use. Written by expect and read. */
  readonly #known = new BoundedMap<string, Holdings>(maxKnown);

  /** Makes the digest of `expected` known; call it when what nodes are to hold changes. */
  expect(expected: Holdings): string {
    const digest = nodeDigest([...expected].map(([name, hash]) => ({ name, hash })));
    this.#known.set(digest, this.#known.get(digest) ?? new Map(expected));
    return digest;
  }

  /**
   * What a reported digest stands for. `expected` gives what the node should hold now, `exceptions`
   * the sets that it says it does not, and what it holds of them instead. undefined: a digest of
   * something nobody asked for lately.
   */
  read(
    digest: string,
    expected: () => Holdings,
    exceptions: readonly { readonly set: string; readonly holds?: string }[],
  ): Holdings | undefined {
    const known = this.#known.get(digest);
    if (known !== undefined) {
      this.#known.set(digest, known);
      return known;
    }
    const inForce = new Map(expected());
    for (const { set, holds } of exceptions) {
      if (holds === undefined) inForce.delete(set);
      else inForce.set(set, holds);
    }
    this.expect(inForce);
    return this.#known.get(digest);
  }
}
