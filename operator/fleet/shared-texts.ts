import { createHash } from "node:crypto";
import { BoundedMap } from "@guardbee/kube";

/** Kept for sharing; what is dropped from here is only not shared any more. */
const maxLists = 1_024;
const maxTexts = 16_384;

/**
 * Equal lists and texts once in memory. Thousands of nodes hold the same hundreds of sets, and fail
 * for the same reason; each watch event brings them as strings of its own.
 */
export class SharedTexts {
  /** By the digest of their content, in order of last use. Written by list. */
  readonly #lists = new BoundedMap<string, readonly string[]>(maxLists);
  /** In order of last use. Written by #shared. */
  readonly #texts = new BoundedMap<string, string>(maxTexts);

  /** Its items are shared as well: lists of nodes that differ have most of them in common. */
  list(given: readonly string[]): readonly string[] {
    // The digest, as the text of a thousand long lists would take more than it saves.
    const key = createHash("sha256").update(given.join("\n")).digest("base64");
    const kept = this.#lists.get(key) ?? given.map((item) => this.#shared(item));
    this.#lists.set(key, kept);
    return kept;
  }

  #shared(given: string): string {
    const kept = this.#texts.get(given) ?? given;
    this.#texts.set(kept, kept);
    return kept;
  }

  /** At most `maxLength` characters of it, "…" at the end of one that is cut. */
  text(given: string, maxLength: number): string {
    const short = given.length <= maxLength ? given : `${given.slice(0, maxLength - 1)}…`;
    return this.#shared(short);
  }
}
