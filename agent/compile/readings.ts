import type { Arg, ArgType, Returned } from "@guardbee/policy";
import { actionKind, actionsOf, argKind, pathKey } from "@guardbee/policy/sets";
import { enums } from "../gen/layout.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";

/** How an argument is read. Equal ones are read once, whatever hook asks. */
export type Reading = {
  readonly type: ArgType;
  readonly index: number;
  /** What is read is where this path leads, a `pathKey`, and `index` counts for nothing. */
  readonly path?: string;
  /** Parameter that holds its size, from 1; 0: none. */
  readonly sizeIndex: number;
  /** Bits of enum reading_flag. */
  readonly flags: number;
};

/** The readings of an attach point, each once, and for each hook which of them it has. */
export type Readings = {
  readonly all: readonly Reading[];
  readonly ofHook: ReadonlyMap<PlannedHook, HookReadings>;
};

/** Positions in `Readings.all`. */
export type HookReadings = {
  /** Of each of the hook's arguments. */
  readonly args: readonly number[];
  /** Of what the call returned, where the program sees that and the hook asks. */
  readonly returned?: number;
  /** Descriptors that must be followed for the whole hook to count. */
  readonly followed: readonly number[];
};

/** The readings in the order of their first use, by a program that sees that part of its calls. */
export function readingsOf({
  hooks,
  kind: { sees },
}: Pick<AttachPoint, "hooks" | "kind">): Readings {
  const numbers = new Map<string, number>();
  const all: Reading[] = [];
  const numberOf = (reading: Reading): number => {
    const known = numbers.get(readingKey(reading));
    if (known !== undefined) return known;
    numbers.set(readingKey(reading), all.length);
    return all.push(reading) - 1;
  };
  const ofHook = hooks.map((planned): readonly [PlannedHook, HookReadings] => {
    const { args, returned } = planned.hook;
    const value =
      returned === undefined || sees === "entry"
        ? {}
        : { returned: numberOf(ofReturned(returned)) };
    if (sees === "return") return [planned, { args: [], followed: [], ...value }];
    const its = args.map((arg) => numberOf(readingOf(arg)));
    const followed = descriptorsOf(planned).map((arg) =>
      numberOf(readingOf({ ...arg, type: descriptor })),
    );
    return [planned, { args: its, followed: [...new Set(followed)], ...value }];
  });
  return { all, ofHook: new Map(ofHook) };
}

/** The arguments of the hook that has most: not those that most have, which an edit of any may change. */
export function mostArgs({ ofHook }: Readings): readonly number[] {
  return [...ofHook.values()].reduce<readonly number[]>(
    (most, { args }) => (args.length > most.length ? args : most),
    [],
  );
}

/** How the engine reads an argument. */
export function readingOf(arg: Arg): Reading {
  const { type, index, returnCopy, sizeArgIndex = 0, maxData } = arg;
  const { READ_RETURNED, READ_WHOLE, READ_KERNEL } = enums.reading_flag;
  const path = pathKey(arg);
  if (path !== undefined) {
    const flags = arg.source === "pt_regs" ? 0 : READ_KERNEL;
    return { ...{ type, index: 0, path }, sizeIndex: 0, flags };
  }
  const flags = (returnCopy ? READ_RETURNED : 0) | (maxData ? READ_WHOLE : 0);
  return { type, index, sizeIndex: sizeArgIndex, flags };
}

/** How the engine reads what a call returned. */
export function ofReturned({ type }: Returned): Reading {
  return { type, index: enums.engine_limit.RETURNED_INDEX, sizeIndex: 0, flags: 0 };
}

/** Equal for readings that are the same. */
export function readingKey({ type, index, path = "", sizeIndex, flags }: Reading): string {
  return `${type} ${index} ${sizeIndex} ${flags} ${path}`;
}

/** Throws RangeError when the engine takes fewer. */
export function checkReadings({ symbol }: AttachPoint, { all }: Readings): void {
  const { READINGS_MAX, PATHS_MAX } = enums.engine_limit;
  const paths = pathsOf(all).length;
  if (paths > PATHS_MAX) {
    throw new RangeError(
      `${symbol}: its policies resolve ${paths} paths; the engine has ${PATHS_MAX}`,
    );
  }
  if (all.length > READINGS_MAX) {
    throw new RangeError(
      `${symbol}: its policies read arguments in ${all.length} ways; the engine has ${READINGS_MAX}`,
    );
  }
}

/** The paths that lead to what is read, each once, in the order of their first use. */
export function pathsOf(all: readonly Reading[]): readonly string[] {
  return [...new Set(all.flatMap(({ path }) => path ?? []))];
}

const descriptor: ArgType = "fd";

/** Arguments that ask for followed ones in a set that follows, and those that actions on them name. */
function descriptorsOf({ hook, follows, selectors }: PlannedHook): readonly Arg[] {
  const asking = hook.args.filter(({ type }) => follows && argKind(type).asksFollowed);
  const named = actionsOf({ selectors }).flatMap((action) => {
    const position = actionKind(action.action).needsFollowed?.(action);
    return position === undefined ? [] : [hook.args[position]!];
  });
  return [...asking, ...named];
}
