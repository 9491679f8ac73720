/** Kept for sharing; what is dropped from here is only not shared any more. */
const maxKept = 1_024;

/**
 * Equal lists and texts once in memory. Thousands of nodes hold the same hundreds of sets, and fail
 * for the same reason; each watch event brings them as strings of its own.
 */
export class SharedTexts {
  /** By their content, in order of last use. Written by list. */
  readonly #lists = new Map<string, readonly string[]>();
  /** In order of last use. Written by text. */
  readonly #texts = new Map<string, string>();

  list(given: readonly string[]): readonly string[] {
    const key = given.join("\n");
    const kept = this.#lists.get(key) ?? given;
    keep(this.#lists, key, kept);
    return kept;
  }

  /** At most `maxLength` characters of it, "…" at the end of one that is cut. */
  text(given: string, maxLength: number): string {
    const short = given.length <= maxLength ? given : `${given.slice(0, maxLength - 1)}…`;
    const kept = this.#texts.get(short) ?? short;
    keep(this.#texts, kept, kept);
    return kept;
  }
}

function keep<V>(all: Map<string, V>, key: string, value: V): void {
  all.delete(key);
  all.set(key, value);
  for (const oldest of all.keys()) {
    if (all.size <= maxKept) break;
    all.delete(oldest);
  }
}
