import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatModules } from "./format-module.ts";
import { readProtos } from "./read-protos.ts";

/**
 * `node agent/wire/generate.ts` writes agent/gen/wire.ts and agent/gen/wire-numbers.ts from the .proto files
 * below this folder. With `--check` it writes nothing and ends with 1 when they are not what it would write.
 */
const files = globSync("**/*.proto", { cwd: import.meta.dirname }).sort();
const texts = files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8"));
const { wire, numbers } = formatModules(readProtos(texts));
const wanted = { "wire.ts": wire, "wire-numbers.ts": numbers };
for (const [name, text] of Object.entries(wanted)) {
  const target = join(import.meta.dirname, "../gen", name);
  if (!process.argv.includes("--check")) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, "utf8") !== text) {
    process.stderr.write(
      `agent/gen/${name}: is not what agent/wire has; run node agent/wire/generate.ts\n`,
    );
    process.exitCode = 1;
  }
}
