import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { CheckedFile } from "@guardbee/policy";
import { type Io, standardInput, UsageError } from "./command.ts";

/** What is in files, of the .yaml, .yml and .json files of folders, and of standard input (`-`). */
export async function readPolicies(paths: readonly string[], io: Io): Promise<CheckedFile[]> {
  return (await Promise.all(paths.map((path) => readPath(path, io)))).flat();
}

async function readInput(io: Io): Promise<Buffer> {
  try {
    return await buffer(io.stdin);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`-: cannot be read: ${reason}`);
  }
}

async function readPath(path: string, io: Io): Promise<CheckedFile[]> {
  if (path === standardInput) return [{ file: "-", content: await readInput(io) }];
  const absolute = resolve(io.cwd, path);
  try {
    if (!(await stat(absolute)).isDirectory()) {
      return [{ file: path, content: await readFile(absolute) }];
    }
    const names = (await readdir(absolute)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => ({
        file: join(path, name),
        content: await readFile(join(absolute, name)),
      })),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path}: cannot be read: ${reason}`);
  }
}
