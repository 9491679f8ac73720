import type { CelCompiler } from "./fields.ts";
import type { JsonObject } from "./json-objects.ts";
import { snakeCase } from "./snake-case.ts";

/** What compiles CEL, which takes memory, where a filter has an expression; else undefined. */
export async function loadCel(
  filters: readonly JsonObject[],
  nodeName: string,
): Promise<CelCompiler | undefined> {
  const hasOne = ({ value }: JsonObject) =>
    Object.keys(value).some((key) => snakeCase(key) === "cel_expression");
  if (!filters.some(hasOne)) return undefined;
  const { createCel } = await import("./cel.ts"); // only here: it is large
  return createCel(nodeName);
}
