import { createHash } from "node:crypto";

/** Kept for sharing; what is dropped from here is only not shared any more. */
const maxLists = 1_024;
const maxTexts = 16_384;

/**
 * Equal lists and texts once in memory. Thousands of nodes hold the same hundreds of sets, and fail
 * for the same reason; each watch event brings them as strings of its own.
 */
export class SharedTexts {
  /** By the digest of their content, in order of last use. Written by list. */
  readonly #lists = new Map<string, readonly string[]>();
  /** In order of last use. Written by #shared. */
  readonly #texts = new Map<string, string>();

  /** Its items are shared as well: lists of nodes that differ have most of them in common. */
  list(given: readonly string[]): readonly string[] {
    // The digest, as the text of a thousand long lists would take more than it saves.
    const key = createHash("sha256").update(given.join("\n")).digest("base64");
    const kept = this.#lists.get(key) ?? given.map((item) => this.#shared(item));
    keep(this.#lists, key, kept, maxLists);
    return kept;
  }

  #shared(given: string): string {
    const kept = this.#texts.get(given) ?? given;
    keep(this.#texts, kept, kept, maxTexts);
    return kept;
  }

  /** At most `maxLength` characters of it, "…" at the end of one that is cut. */
  text(given: string, maxLength: number): string {
    const short = given.length <= maxLength ? given : `${given.slice(0, maxLength - 1)}…`;
    return this.#shared(short);
  }
}

function keep<V>(all: Map<string, V>, key: string, value: V, most: number): void {
  all.delete(key);
  all.set(key, value);
  for (const oldest of all.keys()) {
    if (all.size <= most) break;
    all.delete(oldest);
  }
}
