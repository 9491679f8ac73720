/** Test support: arguments that paths lead to, and what is there. */
import type { Arg } from "../selector-set.ts";
import { type OpenFile, type Parameter, pathKey } from "./parameter.ts";

type DrawnValues = {
  readonly opened: OpenFile;
  readonly first: bigint;
  readonly second: bigint;
  readonly bytes: string | undefined;
};

/** What a path from the task that makes the call leads to. */
export function ofTask(type: Arg["type"], resolve: string): Arg {
  return { index: 0, type, source: "current_task", resolve, isData: true };
}

/** The same of the first parameter. */
function ofParent(type: Arg["type"], resolve: string): Arg {
  return { index: 0, type, btfType: "task_struct", resolve };
}

/** Of a function that is given a task. */
export const argsOfParent: readonly (readonly Arg[])[] = [
  [ofParent("string", "real_parent.comm"), ofParent("uint64", "jobctl")],
  [ofParent("file", "files.fdt.fd[0]"), ofParent("int", "exit_signal")],
  [ofParent("uint32", "no_cgroup_migration"), ofParent("string", "comm")],
  [ofParent("uint32", "no_cgroup_migration"), ofTask("string", "real_parent.comm")],
];

/** What the paths lead to, from wherever. */
export function resolvedFrom({
  first,
  second,
  bytes,
  opened,
}: DrawnValues): ReadonlyMap<string, Parameter> {
  const text = { kind: "buffer", bytes: Buffer.from((bytes ?? "").slice(0, 15)) } as const;
  const behind: readonly (readonly [string, Parameter])[] = [
    ["comm", text],
    ["real_parent.comm", bytes === undefined ? { kind: "unread" } : text],
    ["exit_signal", asNumber(BigInt.asUintN(64, BigInt.asIntN(32, second)))],
    ["jobctl", asNumber(first)],
    ["no_cgroup_migration", asNumber(second & 1n)],
    ["files.fdt.fd[0]", second === 5n ? { kind: "unread" } : { kind: "file", file: opened }],
  ];
  return new Map(
    behind.flatMap(([resolve, parameter]) =>
      [ofTask("int", resolve), ofParent("int", resolve)].map((arg) => [pathKey(arg)!, parameter]),
    ),
  );
}

function asNumber(value: bigint): Parameter {
  return { kind: "number", value };
}
