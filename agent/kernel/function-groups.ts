import { readFileSync } from "node:fs";
import type { Arg } from "@guardbee/policy";
import type { AttachAbilities, FunctionGroup } from "../attach/index.ts";

type Named = { readonly symbol: string; readonly number: number };

/**
 * What finds the functions of a generated list: those that match its pattern, or every entry of every
 * system call. Numbers tell them apart in events.
 */
export function functionFinder({
  syscallPrefix,
  entriesOf,
  traceable = onceOnly(readTraceable),
}: Pick<AttachAbilities, "syscallPrefix" | "entriesOf"> & {
  /** Names of functions that programs can be attached to; undefined where the kernel does not say. */
  readonly traceable?: () => ReadonlySet<string> | undefined;
}): AttachAbilities["functionsOf"] {
  return (pattern, args) => {
    const known = traceable();
    if (known === undefined) return undefined;
    if (pattern === undefined) return ofSyscalls(known, { syscallPrefix, entriesOf, args });
    const matches = new RegExp(pattern, "u");
    const names = [...known].filter((name) => matches.test(name)).sort();
    return [{ registers: false, functions: numbered(names, 0) }];
  };
}

type Calls = Pick<AttachAbilities, "syscallPrefix" | "entriesOf"> & {
  readonly args: readonly Arg[];
};

/** A hook that reads nothing sees every entry; one that reads, those where its arguments mean the same. */
function ofSyscalls(
  known: ReadonlySet<string>,
  { syscallPrefix, entriesOf, args }: Calls,
): readonly FunctionGroup[] {
  const begins = `${syscallPrefix}sys_`;
  const own = new Set([...known].filter((name) => name.startsWith(begins)));
  const narrow = new Set<string>();
  for (const name of [...own]) {
    const on = { kind: "kprobe", call: name.slice(syscallPrefix.length), syscall: true } as const;
    for (const { symbol, registers } of entriesOf({ on, args, selectors: [] })) {
      (registers === "own" ? own : narrow).add(symbol);
    }
  }
  if (args.length === 0 && narrow.size > 0) {
    for (const name of known) if (/^__ia32_(compat_)?sys_/.test(name)) narrow.add(name);
  }
  const there = (names: ReadonlySet<string>) =>
    [...names].filter((name) => known.has(name) && !name.endsWith("_ni_syscall")).sort();
  const first = numbered(there(own), 0);
  const second = numbered(there(narrow), first.length);
  return [
    { registers: "own", functions: first },
    ...(second.length === 0 ? [] : [{ registers: "32-bit", functions: second } as const]),
  ];
}

function numbered(names: readonly string[], from: number): readonly Named[] {
  return names.map((symbol, i) => ({ symbol, number: from + i }));
}

/** Those of the kernel itself, which come before those of modules. */
function readTraceable(): ReadonlySet<string> | undefined {
  try {
    const lines = readFileSync("/sys/kernel/tracing/available_filter_functions", "latin1").split(
      "\n",
    );
    const modules = lines.findIndex((line) => line.endsWith("]"));
    const names = modules === -1 ? lines : lines.slice(0, modules);
    return new Set(names.filter((name) => /^[A-Za-z_][\w.]*$/.test(name)));
  } catch {
    return undefined;
  }
}

function onceOnly<T>(read: () => T): () => T {
  let value: { readonly it: T } | undefined;
  return () => {
    value ??= { it: read() };
    return value.it;
  };
}
