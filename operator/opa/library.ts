import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RegoSource } from "./rego-source.ts";

/** What Rego may use, as a file for opa's --capabilities. */
export const capabilitiesFile = fileURLToPath(
  new URL("../../rego/capabilities.json", import.meta.url),
);

const names = ["problem.rego"] as const;

/**
 * The modules below `data.guardbee.lib` that `texts` refer to and do not bring themselves: there for
 * every author, wherever Rego is compiled or tested.
 */
export async function libraryFor(texts: readonly string[]): Promise<readonly RegoSource[]> {
  if (!texts.some((text) => /\bdata\.guardbee\.lib\b/.test(text))) return [];
  if (texts.some((text) => /^package guardbee\.lib\b/m.test(text))) return [];
  return Promise.all(
    names.map(async (name) => ({
      path: `guardbee/lib/${name}`,
      text: await readFile(new URL(`../../rego/lib/${name}`, import.meta.url), "utf8"),
    })),
  );
}
