/** What each of two slots of tables has, as far as that is known. */
export class KnownSlots<T> {
  readonly #isSame: (a: T, b: T) => boolean;
  /** By slot; undefined: nothing, or it is not known. Written by `find`, `filled` and `end`. */
  readonly #known: (T | undefined)[] = [undefined, undefined];
  /** Whether slots surely have that. Written by `find` and `distrust`. */
  #isSure = true;

  constructor(isSame: (a: T, b: T) => boolean) {
    this.#isSame = isSame;
  }

  /** What was put in a slot; undefined: nothing was, or it was ended. */
  of(slot: number): T | undefined {
    return this.#known[slot];
  }

  /** Those that something was put in. */
  slots(): readonly number[] {
    return [0, 1].filter((slot) => this.#known[slot] !== undefined);
  }

  /** Whether both slots surely have `what`. */
  bothHave(what: T): boolean {
    return this.#isSure && [0, 1].every((slot) => this.#has(slot, what));
  }

  /** Where `what` is that a slot is to have. Unless it is there, what the slot has is not known until `filled`. */
  find(slot: number, what: T): "there" | "in the other" | "nowhere" {
    if (!this.#isSure) this.#known.fill(undefined);
    this.#isSure = true;
    if (this.#has(slot, what)) return "there";
    this.#known[slot] = undefined;
    return this.#has(1 - slot, what) ? "in the other" : "nowhere";
  }

  /** A slot was given `what`. */
  filled(slot: number, what: T): void {
    this.#known[slot] = what;
  }

  /** A slot has nothing any more. */
  end(slot: number): void {
    this.#known[slot] = undefined;
  }

  /** Somebody else has written them, or what was put in was not made. */
  distrust(): void {
    this.#isSure = false;
  }

  #has(slot: number, what: T): boolean {
    const known = this.#known[slot];
    return known !== undefined && this.#isSame(known, what);
  }
}
