import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Argv } from "yargs";
import { optionNames, optionsOf, UsageError } from "../command.ts";

/**
 * `yargs` with --config-dir as Tetragon's agent has it: a folder with a file a flag, such as a mounted
 * ConfigMap, whose trimmed content is the flag's value. A flag on the command line counts more.
 */
export function withConfigFolder(yargs: Argv): Argv {
  return yargs
    .option("config-dir", {
      type: "string",
      describe:
        "A folder of files, each named as a flag, with its value; flags given here count more",
    })
    .config("config-dir", (folder) => readFolder(folder, yargs));
}

/** Throws UsageError for what cannot be read, and for a file that is no flag's. */
function readFolder(folder: string, yargs: Argv): Record<string, string | readonly string[]> {
  const names = new Set(optionNames(yargs));
  const { boolean, number, array } = optionsOf(yargs);
  const values: Record<string, string | readonly string[]> = {};
  for (const name of readable(folder, () => readdirSync(folder))) {
    const path = join(folder, name);
    // What a ConfigMap's links lead through is such a folder.
    if (readable(path, () => statSync(path).isDirectory())) continue;
    if (!names.has(name)) throw wrong(path, `there is no flag --${name}`);
    const value = readable(path, () => readFileSync(path, "utf8")).trim();
    if (boolean.includes(name) && !["true", "false", ""].includes(value)) {
      throw wrong(path, `--${name} takes true and false, not ${JSON.stringify(value)}`);
    }
    // An empty file is as none where a flag has no empty value.
    if (value === "" && [...boolean, ...number, ...array].includes(name)) continue;
    values[name] = array.includes(name) ? value.split(/\s+/) : value;
  }
  return values;
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw wrong(path, (error as Error).message);
  }
}

function wrong(path: string, why: string): UsageError {
  return new UsageError(`--config-dir: ${path}: ${why}`);
}
