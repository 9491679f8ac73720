/** Test support: in which scope class a process is, by the cgroups that it lives in. */
import fc from "fast-check";
import { enums } from "../../gen/layout.ts";

const { PLACE_NOWHERE, PLACE_ROOT, PLACE_ANYWHERE } = enums.scope_place;
const { SCOPE_HOST, SCOPE_UNKNOWN_POD } = enums.scope_class;

/** Where pods are on a node, and the cgroup of a process there. */
export type CgroupPath = {
  readonly place: number;
  /** How deep the folder of pods is, where there is one alone. */
  readonly rootLevel: number;
  readonly isBelowRoot: boolean;
  /** Of its cgroups, from the first below the root of all: the class that the agent wrote. */
  readonly classes: readonly (number | undefined)[];
};

/** Paths with classes below `count`: a cgroup with one is no deeper than containers are. */
export function anyCgroupPath(count: number): fc.Arbitrary<CgroupPath> {
  const anyClass = fc.option(fc.integer({ min: 0, max: count - 1 }), { nil: undefined });
  return fc
    .record({
      place: fc.constantFrom(PLACE_NOWHERE, PLACE_ROOT, PLACE_ROOT, PLACE_ANYWHERE),
      rootLevel: fc.integer({ min: 1, max: 4 }),
      isBelowRoot: fc.boolean(),
      classes: fc.array(anyClass, { maxLength: 12 }),
    })
    .map((path) => ({ ...path, classes: asWritten(path) }));
}

/** The agent gives a class to folders of pods, pods and containers, wherever they are. */
function asWritten(path: CgroupPath): CgroupPath["classes"] {
  const { place, rootLevel, isBelowRoot, classes } = path;
  if (place === PLACE_ANYWHERE) return classes;
  if (place === PLACE_NOWHERE || !isBelowRoot) return classes.map(() => undefined);
  return classes.map((known, i) => {
    const below = i + 1 - rootLevel;
    return below >= 1 && below <= 3 ? known : undefined;
  });
}

/** The class of a process: that of the nearest of its cgroups; below the folder of pods never the host's for want of one. */
export function classOf({ place, rootLevel, isBelowRoot, classes }: CgroupPath): number {
  const nearest = classes.findLast((known) => known !== undefined);
  if (place !== PLACE_ROOT) return nearest ?? SCOPE_HOST;
  if (!isBelowRoot || classes.length < rootLevel) return SCOPE_HOST;
  return nearest ?? SCOPE_UNKNOWN_POD;
}
