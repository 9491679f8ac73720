import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { CheckedFile } from "@guardbee/policy";
import { type Io, standardInput, UsageError } from "./command.ts";

/** The texts of files, of the .yaml, .yml and .json files of folders, and of standard input (`-`). */
export async function readPolicies(paths: readonly string[], io: Io): Promise<CheckedFile[]> {
  return (await Promise.all(paths.map((path) => readPath(path, io)))).flat();
}

async function readInput(io: Io): Promise<string> {
  try {
    return await text(io.stdin);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`-: cannot be read: ${reason}`);
  }
}

async function readPath(path: string, io: Io): Promise<CheckedFile[]> {
  if (path === standardInput) return [{ file: "-", text: await readInput(io) }];
  const absolute = resolve(io.cwd, path);
  try {
    if (!(await stat(absolute)).isDirectory()) {
      return [{ file: path, text: await readFile(absolute, "utf8") }];
    }
    const names = (await readdir(absolute)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => ({
        file: join(path, name),
        text: await readFile(join(absolute, name), "utf8"),
      })),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path}: cannot be read: ${reason}`);
  }
}
