import { globParts } from "@guardbee/policy/sets";

/** Tells of which patterns a whole text is. State 0 is the first. */
export type GlobAutomaton = {
  readonly states: readonly GlobState[];
  /** Of each byte. */
  readonly classes: Uint8Array;
};

export type GlobState = {
  /** Where a byte leads to whose class has no step. */
  readonly otherwise: number;
  readonly steps: ReadonlyMap<number, number>;
  /** The patterns that a text is as which ends here. */
  readonly met: readonly string[];
};

/** A place in a pattern: what comes next there. */
type Place = {
  readonly pattern: string;
  readonly part: "star" | "starstar" | "end" | { readonly byClass: number };
};

/** Steps of the construction, over all states. Patterns that need more are few and far-fetched. */
const mostSteps = 20_000_000;

/**
 * The automaton of `patterns`, by subset construction: a state is the set of places where the patterns can be.
 * undefined: it has more than `mostStates`, or takes too long to make.
 */
export function globAutomatonOf(
  patterns: readonly string[],
  mostStates: number,
): GlobAutomaton | undefined {
  const classes = classesOf(patterns);
  const places = placesOf(patterns, classes);
  const start = closureOf(places, places.first);
  const numbers = new Map([[start.join(), 0]]);
  const sets = [start];
  const states: GlobState[] = [];
  let work = 0;
  const numberOf = (from: readonly number[]): number => {
    work += from.length + 1;
    const set = closureOf(places, from);
    const key = set.join();
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, sets.length);
    return sets.push(set) - 1;
  };
  for (const set of sets) {
    work += set.length;
    const { others, byClass } = stepsOf(places, set);
    const otherwise = numberOf(others);
    const all = [...byClass].map(([one, next]) => [one, numberOf(next)] as const);
    if (sets.length > mostStates || work > mostSteps) return undefined;
    states.push({
      ...{ otherwise, steps: new Map(all.filter(([, next]) => next !== otherwise)) },
      met: metIn(places, set),
    });
  }
  return { states, classes };
}

/** Every byte that stands in a pattern is a class of its own, and / always; the others are one. */
function classesOf(patterns: readonly string[]): Uint8Array {
  const bytes = patterns.flatMap((pattern) =>
    globParts(pattern).flatMap((part) => (typeof part === "object" ? [part.byte] : [])),
  );
  const known = new Map([...new Set([slash, ...bytes])].map((byte, i) => [byte, i + 1]));
  if (known.size > 255) known.delete([...known.keys()].at(-1)!); // then every byte has its own
  return Uint8Array.from({ length: 256 }, (_, byte) => known.get(byte) ?? 0);
}

const slash = 0x2f;

type Places = {
  readonly all: readonly Place[];
  /** The first of each pattern. */
  readonly first: readonly number[];
  readonly ofSlash: number;
};

function placesOf(patterns: readonly string[], classes: Uint8Array): Places {
  const first: number[] = [];
  const all: Place[] = [];
  for (const pattern of patterns) {
    first.push(all.length);
    for (const part of globParts(pattern)) {
      const byClass = typeof part === "object" ? { byClass: classes[part.byte]! } : part;
      all.push({ pattern, part: byClass });
    }
    all.push({ pattern, part: "end" });
  }
  return { all, first, ofSlash: classes[slash]! };
}

/** Where bytes lead to from `set`: those of the classes that it tells apart, and the others. */
function stepsOf({ all, ofSlash }: Places, set: readonly number[]) {
  const others: number[] = [];
  const onSlash: number[] = [];
  const literals = new Map<number, number[]>([[ofSlash, []]]);
  for (const place of set) {
    const { part } = all[place]!;
    if (part === "end") continue;
    if (part === "star" || part === "starstar") {
      others.push(place);
      if (part === "starstar") onSlash.push(place);
      continue;
    }
    const its = literals.get(part.byClass) ?? [];
    literals.set(part.byClass, its);
    its.push(place + 1);
  }
  const byClass = literals
    .entries()
    .map(([one, next]) => [one, [...(one === ofSlash ? onSlash : others), ...next]] as const);
  return { others, byClass };
}

/** With the places behind a * that stands for nothing; sorted, each once. */
function closureOf({ all }: Places, from: readonly number[]): readonly number[] {
  const found = new Set<number>();
  for (let place of from) {
    found.add(place);
    while (typeof all[place]!.part === "string" && all[place]!.part !== "end") found.add(++place);
  }
  return [...found].sort((a, b) => a - b);
}

function metIn({ all }: Places, set: readonly number[]): readonly string[] {
  return set.flatMap((place) => (all[place]!.part === "end" ? [all[place]!.pattern] : []));
}
