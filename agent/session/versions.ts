import { type ObjectSets, objectOf } from "@guardbee/policy/sets";
import type { FailureReason, NamedSet, SetState } from "../engine.ts";
import type { Versions } from "./programmer.ts";
import type { SetContent } from "./set-contents.ts";

/** Why the kernel does not take a content of an object. */
export type RefusedVersion = {
  readonly hash: string;
  readonly reason: FailureReason;
  readonly message: string;
  readonly mayPass: boolean;
};

export type HeldVersionsOptions = {
  /** Objects that are to hold. */
  readonly names: () => readonly string[];
  readonly content: (name: string) => SetContent | undefined;
  /** Of an earlier run. */
  readonly held: ReadonlyMap<string, ObjectSets>;
  /** Objects of `held` that are not in force. */
  readonly displaced: ReadonlySet<string>;
  /** Another version of some object is held, or one is in force again or not any more. */
  readonly onChange: () => void;
};

/**
 * The version of each object that the kernel held last, which goes on when a newer one is refused or
 * cannot be read: an edit that a node cannot load leaves the policy as it was there.
 */
export class HeldVersions implements Versions {
  readonly #options: HeldVersionsOptions;
  /** By object. Written by the constructor, `enter` and `follow`. */
  readonly #held: Map<string, ObjectSets>;
  /** Objects whose held version is not in force. Written by the constructor, `enter` and `follow`. */
  readonly #displaced: Set<string>;
  /** By object. Written by `refuse`, `retry` and `follow`. */
  readonly #refused = new Map<string, RefusedVersion>();
  /** Of the contents that `#refused` is about: each depends on what else is to hold. Written by `follow`. */
  #contents = "";

  constructor(options: HeldVersionsOptions) {
    this.#options = options;
    this.#held = new Map(options.held);
    this.#displaced = new Set(options.displaced);
  }

  /** The sets that are to hold of an object. */
  sets(name: string): readonly NamedSet[] {
    const content = this.#options.content(name);
    const before = this.#held.get(name)?.sets;
    if (content?.state !== "read") return before ?? [];
    return this.refusal(name) === undefined ? content.object.sets : (before ?? content.object.sets);
  }

  /** Why the newest content of an object does not hold, when an older one does. */
  refusal(name: string): RefusedVersion | undefined {
    const refused = this.#refused.get(name);
    return refused?.hash === hashOf(this.#options.content(name)) ? refused : undefined;
  }

  /** The version that was held last. */
  held(name: string): ObjectSets | undefined {
    return this.#held.get(name);
  }

  /** Whether no version of an object is in force. */
  displaced(name: string): boolean {
    return this.#displaced.has(name) || !this.#held.has(name);
  }

  before(): readonly NamedSet[] {
    return [...this.#held].flatMap(([name, { sets }]) => (this.#displaced.has(name) ? [] : sets));
  }

  /** What is to hold may have changed; then all that was refused is tried again. */
  follow(): void {
    const { names, content } = this.#options;
    const contents = names().map((name) => `${name} ${hashOf(content(name))}`);
    if (contents.join("\n") === this.#contents) return;
    this.#contents = contents.join("\n");
    this.#refused.clear();
    const named = new Set(names());
    for (const name of this.#held.keys()) if (!named.has(name)) this.#held.delete(name);
    for (const name of this.#displaced) if (!named.has(name)) this.#displaced.delete(name);
  }

  spared(): ReadonlySet<string> {
    const { names, content } = this.#options;
    const spared = names().flatMap((name) => {
      const newest = content(name);
      const before = this.#held.get(name);
      if (newest?.state !== "read" || before === undefined) return [];
      const isOther = newest.object.hash !== before.hash && this.refusal(name) === undefined;
      return isOther ? newest.object.sets.map((set) => set.name) : [];
    });
    return new Set(spared);
  }

  refuse(states: readonly SetState[]): void {
    for (const state of states) {
      if (state.state !== "failed") continue;
      const { hash, reason, mayPass = false } = state;
      const object = objectOf(state.name);
      this.#refused.set(object, { hash, reason, message: messageOf(state), mayPass });
    }
  }

  mayPass(): boolean {
    return [...this.#refused.values()].some((one) => one.mayPass);
  }

  retry(): void {
    for (const [name, { mayPass }] of this.#refused) if (mayPass) this.#refused.delete(name);
  }

  enter(states: readonly SetState[]): void {
    const programmed = new Set(
      states
        .filter(({ state }) => state === "programmed")
        .map(({ name, hash }) => `${name} ${hash}`),
    );
    let changed = this.#enterDisplaced(states);
    for (const name of this.#options.names()) {
      const content = this.#options.content(name);
      if (content?.state !== "read" || this.#held.get(name)?.hash === content.object.hash) continue;
      if (!content.object.sets.every((set) => programmed.has(`${set.name} ${set.hash}`))) continue;
      this.#held.set(name, content.object);
      this.#displaced.delete(name);
      changed = true;
    }
    if (changed) this.#options.onChange();
  }

  /** Whether one came or went. */
  #enterDisplaced(states: readonly SetState[]): boolean {
    const before = [...this.#displaced].join(" ");
    for (const { name, hash, state } of states) {
      const object = objectOf(name);
      if (this.#held.get(object)?.hash !== hash) continue;
      if (state === "failed") this.#displaced.add(object);
      else this.#displaced.delete(object);
    }
    return [...this.#displaced].join(" ") !== before;
  }
}

/** What a failed set says, with its policy's name where an object has several. */
export function messageOf({ name, message }: SetState & { readonly state: "failed" }): string {
  const which = name.slice(objectOf(name).length + 1);
  return which === "" ? message : `${which}: ${message}`;
}

function hashOf(content: SetContent | undefined): string {
  if (content === undefined) return "";
  return content.state === "read" ? content.object.hash : content.hash;
}
