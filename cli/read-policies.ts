import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import type { CheckedFile } from "@guardbee/policy";
import { type Io, standardInput, UsageError } from "./command.ts";

/** What is in files, of the .yaml, .yml and .json files of folders, and of standard input (`-`). */
export async function readPolicies(paths: readonly string[], io: Io): Promise<CheckedFile[]> {
  return (await Promise.all(paths.map((path) => readPath(path, io)))).flat();
}

const maxMiB = 64;

/** A device has no end, and what a pipe gives is not known before. */
async function readWhole(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > maxMiB * 1024 * 1024) {
      throw new Error(`is larger than ${maxMiB} MiB; give it in parts`);
    }
  }
  return Buffer.concat(chunks);
}

async function readInput(io: Io): Promise<Buffer> {
  try {
    return await readWhole(io.stdin);
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
      return [{ file: path, content: await readWhole(createReadStream(absolute)) }];
    }
    const names = (await readdir(absolute)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => ({
        file: join(path, name),
        content: await readWhole(createReadStream(join(absolute, name))),
      })),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path}: cannot be read: ${reason}`);
  }
}
