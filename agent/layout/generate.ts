import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatLayout } from "./format-layout.ts";

/**
 * `node agent/layout/generate.ts` writes agent/gen/layout.ts from the BTF of bpf/build/layout.o, which
 * `make -C bpf` makes. With `--check` it writes nothing and ends with 1 when the file is not what it
 * would write. `--object FILE`: of another object.
 */
const target = new URL("../gen/layout.ts", import.meta.url);
const built = fileURLToPath(new URL("../../bpf/build/layout.o", import.meta.url));
const at = process.argv.indexOf("--object");
const object = at === -1 ? built : process.argv[at + 1]!;
const dump = execFileSync("bpftool", ["btf", "dump", "file", object, "-j"], { encoding: "utf8" });
const wanted = formatLayout(JSON.parse(dump).types);
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (!existsSync(target) || readFileSync(target, "utf8") !== wanted) {
  process.stderr.write("agent/gen/layout.ts: is not what bpf/ has; run make generate\n");
  process.exitCode = 1;
}
