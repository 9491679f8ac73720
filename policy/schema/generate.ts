import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { formatCrd } from "./crd.ts";
import { kinds } from "./kinds.ts";

/**
 * `node policy/schema/generate.ts` writes crds/; with `--check` it writes nothing and ends with 1
 * when a file there is not what it would write.
 */
const folder = new URL("../../crds/", import.meta.url);
const wanted = new Map<string, string>(
  kinds.map((kind) => [`${kind.group}_${kind.plural}.yaml`, formatCrd(kind)]),
);
if (process.argv.includes("--check")) {
  const present = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const stale = [...new Set([...wanted.keys(), ...present])].filter(
    (name) =>
      !present.includes(name) || readFileSync(new URL(name, folder), "utf8") !== wanted.get(name),
  );
  for (const name of stale) {
    process.stderr.write(`crds/${name}: is stale; run node policy/schema/generate.ts\n`);
  }
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of wanted) writeFileSync(new URL(name, folder), text);
}
