import { createHash } from "node:crypto";
import {
  canonicalJson,
  lostDigits,
  type Problem,
  type RegoPolicy,
  type Result,
  regoLimits,
} from "@guardbee/policy";
import type { Bundle } from "../bundle/index.ts";
import { refusedImports } from "../opa/refused-builtins.ts";
import type { RegoSource } from "../opa/rego-source.ts";
import type { EvaluationLimits, RegoContent } from "./unit.ts";

/** What a policy with modules evaluates. */
export function inlineContent({ spec }: RegoPolicy): RegoContent {
  const { modules = [], data = {} } = spec;
  const digest = digestOf({ modules, data });
  const sources = modules.map(({ name, rego }) => ({ path: name, text: rego }));
  return { digest, key: digest, sources, data };
}

/**
 * What a policy with this bundle evaluates: the module in it, else its Rego. The policy's own data goes
 * over the bundle's, by top-level key. A policy of a namespace may not bring a module.
 */
export function bundleContent({ kind, spec }: RegoPolicy, bundle: Bundle): Result<RegoContent> {
  const { digest, revision, modules: sources, wasm } = bundle;
  if (wasm !== undefined && kind === "RegoPolicyNamespaced") {
    return { ok: false, problems: [foreignModule] };
  }
  const problems = [
    ...lostDigits(bundle.data, "data"),
    ...(wasm === undefined ? [] : sources.flatMap(importProblems)),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const data = { ...bundle.data, ...spec.data };
  const compiled = wasm === undefined ? {} : { module: wasm.module };
  const key = digestOf([digest, data]);
  return { ok: true, value: { digest, revision, key, data, sources, ...compiled } };
}

/** WebAssembly is code of anybody's making; what comes from a tenant is compiled here from Rego. */
const foreignModule: Problem = {
  field: "policy.wasm",
  what: "is not taken from a RegoPolicyNamespaced, which is compiled from its Rego",
  fix: "build the bundle without it: guardbee rego build --target rego, or opa build -t rego",
  kind: "invalid",
};

/** What is refused when Guardbee compiles, and went into a module that others compiled. */
function importProblems({ path, text }: RegoSource): readonly Problem[] {
  const imports = [...text.matchAll(/^\s*import\s+([\w.]+)/gm)].map(([, name]) => name!);
  return imports
    .filter((name) => Object.hasOwn(refusedImports, name))
    .map((name) => ({
      ...{ field: path, what: `imports ${name}`, fix: refusedImports[name]!, kind: "invalid" },
    }));
}

/** What its evaluations may take. */
export function limitsOf({ kind, spec }: RegoPolicy): EvaluationLimits {
  const { deadlineMs, memoryMiB } = regoLimits[kind];
  return {
    deadlineMs: spec.limits?.deadlineMs ?? deadlineMs.default,
    memoryMiB: spec.limits?.memoryMiB ?? memoryMiB.default,
  };
}

function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}
