import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describePoint } from "../compile/plan.ts";
import type { MissedCalls } from "../engine.ts";
import { fileFreePins } from "./file-free.ts";
import type { Held } from "./held.ts";
import type { Loader } from "./loader.ts";
import { movePrograms } from "./moves.ts";

/** What each program in force missed: those of `held`, and those of the agent's tracking. Throws KernelError. */
export function readMisses(loader: Loader, held: readonly Held[]): readonly MissedCalls[] {
  const hooks = held.flatMap(({ point }) => point.hooks).filter(({ everyCall }) => everyCall);
  const stopping = new Set(hooks.map(({ set }) => set.name));
  const following = new Set(hooks.filter(({ follows }) => follows).map(({ set }) => set.name));
  const ofFiles = new Set(fileFreePins(loader));
  const ofMoves = new Set<string>(movePrograms); // they stop nothing
  const own = readdirSync(loader.pins.links)
    .sort()
    .map((name) => {
      if (ofMoves.has(name)) return missesAt(loader, name, new Set());
      const sets = ofFiles.has(join(loader.pins.links, name)) ? following : stopping;
      return missesAt(loader, name, sets);
    });
  const ofPolicies = held.map(({ point, program }): MissedCalls => {
    const its = point.hooks.filter(({ everyCall }) => everyCall).map(({ set }) => set.name);
    return { attachment: describePoint(point), ...program.misses(), sets: [...new Set(its)] };
  });
  return [...ofPolicies, ...own];
}

function missesAt({ native, pins }: Loader, name: string, sets: ReadonlySet<string>): MissedCalls {
  const link = native.openPinnedLink(join(pins.links, name));
  try {
    const counts = link.misses(join(pins.programs, name));
    return { attachment: name, id: link.id, ...counts, sets: [...sets] };
  } finally {
    link.close();
  }
}
