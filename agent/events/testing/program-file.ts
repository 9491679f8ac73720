import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Test support: the file of a program of cli/ that a test runs. As images have it, where it was bundled into
 * the folder that GUARDBEE_APP names: in a guest a start from hundreds of sources takes half a minute.
 */
export function programFile(name: "main" | "tetra-main"): string {
  const { GUARDBEE_APP: app } = process.env;
  if (app !== undefined) return join(app, "cli", `${name}.js`);
  return fileURLToPath(new URL(`../../../cli/${name}.ts`, import.meta.url));
}
