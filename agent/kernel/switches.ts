import { readFileSync, writeFileSync } from "node:fs";
import type { Difference } from "../engine.ts";
import { repairing } from "./difference.ts";
import { type Held, setNames } from "./held.ts";

/** Settings of the kernel which, at 0, silently keep programs from running that are attached. */
const switches = [
  { path: "/proc/sys/kernel/ftrace_enabled", isConcerned: () => true },
  {
    path: "/sys/kernel/debug/kprobes/enabled",
    isConcerned: ({ point }: Held) => point.kind.name === "kprobe",
  },
] as const;

/**
 * Those that are off and concern programs in force, after a try to switch them on. One that cannot
 * be read is taken for on.
 */
export function ensureSwitches(held: Iterable<Held>): readonly Difference[] {
  const all = [...held];
  return switches.flatMap(({ path, isConcerned }) => {
    const sets = new Set(all.filter(isConcerned).flatMap(({ point }) => setNames(point)));
    if (sets.size === 0 || read(path) !== "0") return [];
    return repairing({ kind: "switch", what: path, sets: [...sets] }, () => {
      writeFileSync(path, "1");
    });
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
