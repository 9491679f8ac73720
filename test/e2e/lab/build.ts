// Builds what the lab runs, unless the cache has it.
//   node test/e2e/lab/build.ts [--json] [ITEM...]
import * as build from "../../../build/tools/ensure-built.ts";
import { itemNamed, items } from "./items.ts";

/** Output name to path for every output of the named items, which are built first if missing. */
export function ensureBuilt(names: readonly string[]): Promise<Record<string, string>> {
  return build.ensureBuilt(names.map(itemNamed));
}

if (import.meta.main) await build.buildCommand(items, process.argv.slice(2));
