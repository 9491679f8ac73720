import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatModule } from "./format-module.ts";
import { readProtos } from "./read-protos.ts";

/**
 * `node agent/wire/generate.ts` writes agent/gen/wire.ts from the .proto files below this folder. With
 * `--check` it writes nothing and ends with 1 when the file is not what it would write.
 */
const target = join(import.meta.dirname, "../gen/wire.ts");
const files = globSync("**/*.proto", { cwd: import.meta.dirname }).sort();
const texts = files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8"));
const wanted = formatModule(readProtos(texts));
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (!existsSync(target) || readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "agent/gen/wire.ts: is not what agent/wire has; run node agent/wire/generate.ts\n",
  );
  process.exitCode = 1;
}
