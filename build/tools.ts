// Builds what `make build` and the images take, unless the cache has it.
//   node build/tools.ts [--json] [ITEM...]
import { buildCommand } from "./tools/ensure-built.ts";
import { tools } from "./tools/items.ts";

await buildCommand(tools, process.argv.slice(2));
