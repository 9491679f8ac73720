import { createHash } from "node:crypto";
import type { RegoPolicy } from "@guardbee/policy";
import type { Bundle } from "../bundle/index.ts";
import { stableJson } from "./results.ts";
import type { RegoContent } from "./unit.ts";

/** What a policy with modules evaluates. */
export function inlineContent({ spec }: RegoPolicy): RegoContent {
  const { modules = [], data = {} } = spec;
  const digest = digestOf({ modules, data });
  const sources = modules.map(({ name, rego }) => ({ path: name, text: rego }));
  return { digest, key: digest, sources, data };
}

/**
 * What a policy with this bundle evaluates: the module in it, else its Rego. The policy's own data goes
 * over the bundle's, by top-level key.
 */
export function bundleContent({ spec }: RegoPolicy, bundle: Bundle): RegoContent {
  const { digest, revision, modules: sources, wasm } = bundle;
  const data = { ...bundle.data, ...spec.data };
  const compiled = wasm === undefined ? {} : { module: wasm.module };
  return { digest, revision, key: digestOf([digest, data]), data, sources, ...compiled };
}

function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(stableJson(value)).digest("hex")}`;
}
