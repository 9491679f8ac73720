import { globParts } from "@guardbee/policy/sets";
import type { Automaton } from "./automaton.ts";

/** A place in a pattern: what comes next is its part of that number. */
type Place = { readonly pattern: string; readonly at: number };

/** Steps of the construction, over all states. Patterns that need more are few and far-fetched. */
const mostSteps = 20_000_000;

/**
 * The automaton that tells of which `patterns` a whole text is, by subset construction: a state is the
 * set of places where the patterns can be. `ends`: which are met where the text ends in that state.
 * undefined: it has more than `mostStates`, or takes too long to make.
 */
export function globAutomatonOf(
  patterns: readonly string[],
  mostStates: number,
): Automaton | undefined {
  const classes = classesOf(patterns);
  const count = Math.max(...classes) + 1;
  const classBits = Math.max(1, Math.ceil(Math.log2(count)));
  const places = placesOf(patterns, classes);
  const start = closureOf(
    places,
    patterns.map((pattern) => places.first.get(pattern)!),
  );
  const states = new Map([[start.join(), 0]]);
  const sets = [start];
  const rows: Uint16Array[] = [];
  let steps = 0;
  for (const set of sets) {
    const row = new Uint16Array(1 << classBits);
    for (let byClass = 0; byClass < count; byClass++) {
      steps += set.length + 1;
      const next = closureOf(
        places,
        set.flatMap((place) => places.step(place, byClass)),
      );
      const key = next.join();
      let number = states.get(key);
      if (number === undefined) {
        number = sets.length;
        states.set(key, number);
        sets.push(next);
      }
      row[byClass] = number;
    }
    if (sets.length > mostStates || steps > mostSteps) return undefined;
    rows.push(row);
  }
  return endingFirst({ rows, classes, classBits, sets, places });
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
  readonly all: readonly (Place & {
    readonly part: ReturnType<typeof globParts>[number] | "end";
  })[];
  readonly first: ReadonlyMap<string, number>;
  /** Where a byte of that class leads to. */
  step(place: number, byClass: number): readonly number[];
};

function placesOf(patterns: readonly string[], classes: Uint8Array): Places {
  const first = new Map<string, number>();
  const all: Places["all"][number][] = [];
  for (const pattern of patterns) {
    first.set(pattern, all.length);
    const parts = [...globParts(pattern), "end" as const];
    all.push(...parts.map((part, at) => ({ pattern, at, part })));
  }
  const ofSlash = classes[slash]!;
  return {
    ...{ all, first },
    step(place, byClass) {
      const { part } = all[place]!;
      if (part === "end") return [];
      if (part === "star") return byClass === ofSlash ? [] : [place];
      if (part === "starstar") return [place];
      return classes[part.byte] === byClass ? [place + 1] : [];
    },
  };
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

/** The states, numbered as `Automaton` has them. */
function endingFirst({
  rows,
  classes,
  classBits,
  sets,
  places,
}: {
  readonly rows: readonly Uint16Array[];
  readonly classes: Uint8Array;
  readonly classBits: number;
  readonly sets: readonly (readonly number[])[];
  readonly places: Places;
}): Automaton {
  const metIn = sets.map((set) =>
    set.flatMap((place) => {
      const { part, pattern } = places.all[place]!;
      return part === "end" ? [pattern] : [];
    }),
  );
  const others = [...sets.keys()].slice(1);
  const ending = others.filter((state) => metIn[state]!.length > 0);
  const order = [0, ...ending, ...others.filter((state) => metIn[state]!.length === 0)];
  const numberOf = new Map(order.map((state, number) => [state, number]));
  return {
    ...{ classes, classBits },
    next: order.map((state) => rows[state]!.map((next) => numberOf.get(next)!)),
    ends: ending.map((state) => new Set(metIn[state])),
  };
}
