import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { regoFileNames } from "./file-names.ts";
import { libraryFor } from "./library.ts";
import type { RegoSource } from "./rego-source.ts";

/** The sources, and our library for those that ask for it. */
export async function withLibrary(own: readonly RegoSource[]): Promise<readonly RegoSource[]> {
  return [...own, ...(await libraryFor(own.map(({ text }) => text)))];
}

/** Writes Rego and data as a bundle has them, and gives the name of each source's file in `folder`. */
export async function writeRego(
  folder: string,
  sources: readonly RegoSource[],
  data: unknown,
): Promise<readonly string[]> {
  const files = regoFileNames(sources.map(({ path }) => path));
  await mkdir(folder, { recursive: true });
  for (const [i, { text }] of sources.entries()) {
    const file = join(folder, files[i]!);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  if (data !== undefined) await writeFile(join(folder, "data.json"), JSON.stringify(data));
  return files;
}
