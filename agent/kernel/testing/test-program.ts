import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Test support: the file of a program in TypeScript that a test starts, by its source's place in the repository.
 * Where GUARDBEE_BUNDLES names the folder that tests were bundled into, it is the one that is there: in a guest
 * a start from sources takes half a minute.
 */
export function testProgram(source: string): string {
  const { GUARDBEE_BUNDLES: folder } = process.env;
  if (folder !== undefined) return join(folder, bundleName(source));
  return fileURLToPath(new URL(`../../../${source}`, import.meta.url));
}

/** Of the one file that `source`, a path in the repository, is bundled into. */
export function bundleName(source: string): string {
  return source.replaceAll("/", ".").replace(/\.ts$/, ".js");
}
