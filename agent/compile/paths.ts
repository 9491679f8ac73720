import type { Arg } from "@guardbee/policy";
import { pathKey } from "@guardbee/policy/sets";
import type { FoundPath } from "../btf/find-path.ts";
import { enums } from "../gen/layout.ts";
import type { AttachPoint } from "./plan.ts";

const { PATH_OF_TASK, PATH_OF_REGISTERS } = enums.path_source;

/** struct arg_path of each of `paths`, which arguments of the attach point have. */
export function encodePaths({ hooks }: Pick<AttachPoint, "hooks">, paths: readonly string[]) {
  const all = hooks.flatMap(({ hook: { args }, paths: found }) =>
    args.flatMap((arg) => {
      const key = pathKey(arg);
      const path = key === undefined ? undefined : found?.get(key);
      return path === undefined ? [] : [[key!, encodePath(arg, path)] as const];
    }),
  );
  const byKey = new Map(all);
  return paths.map((key) => {
    const path = byKey.get(key);
    if (path === undefined) throw new Error(`nobody found where ${key} leads`);
    return path;
  });
}

function encodePath({ source, index }: Arg, { offsets, bytes, isSigned, bits }: FoundPath) {
  const { before, count } = bits ?? { before: 0, count: 8 * bytes };
  return {
    source: source === undefined ? index : sources[source],
    ...{ pointers: offsets.length - 1, size: bytes, is_signed: isSigned ? 1 : 0, offsets },
    ...(bytes === 0 ? {} : { up: 64 - before - count, down: 64 - count }),
  };
}

const sources = { current_task: PATH_OF_TASK, pt_regs: PATH_OF_REGISTERS } as const;
