import { BundleError } from "./bundle-error.ts";
import { isDocumentObject, parseJson } from "./document.ts";
import type { BundleFiles } from "./unpack.ts";

/** What a bundle says of itself. */
export type Manifest = {
  readonly revision: string;
  /** Paths under `data` that it owns, without slashes at the ends; `[""]` is all. */
  readonly roots: readonly string[];
  readonly wasm: readonly WasmResolver[];
};

export type WasmResolver = { readonly entryPoint: string; readonly module: string };

/** The name of the file in a bundle. */
const manifestPath = ".manifest";

/** It goes into statuses, and its numbers are compared. */
const revisionLengthMax = 253;

/** Of loose files, which need none. */
export const emptyManifest: Manifest = { revision: "", roots: [""], wasm: [] };

/** The bundle's manifest, or undefined when it has none. NotABundle when it is malformed. */
export function readManifest(files: BundleFiles): Manifest | undefined {
  // OPA takes a manifest of any folder, and knows one in protobuf. We know one place.
  for (const path of files.keys()) {
    if (path === manifestPath || !/\.manifest(?:\.pb)?$/.test(path)) continue;
    throw malformed(`is at ${JSON.stringify(path)}`, `write it to ${manifestPath} at the top`);
  }
  const content = files.get(manifestPath);
  return content === undefined ? undefined : parseManifest(content);
}

function parseManifest(content: Uint8Array): Manifest {
  const raw = parseJson(manifestPath, content);
  if (!isDocumentObject(raw)) throw malformed("is not an object", "let opa build write it");
  const { revision = "", roots = [""], wasm = [] } = raw;
  if (typeof revision !== "string") throw malformed("revision is not a string", "write a string");
  if (revision.length > revisionLengthMax) {
    const what = `revision is longer than ${revisionLengthMax} characters`;
    throw malformed(what, "name a version or a commit");
  }
  if (!isStrings(roots)) throw malformed("roots is not a list of strings", "write paths");
  assertRegoV1(raw);
  return { revision, roots: parseRoots(roots), wasm: parseWasm(wasm) };
}

/** Whether one of `roots` holds the path; segment by segment, as OPA does. */
export function rootsContain(roots: readonly string[], path: readonly string[]): boolean {
  return roots.some((root) => startsWith(path, root.split("/")));
}

/** Whether `path` starts with all of `root`. The root "" starts everything. */
export function startsWith(path: readonly string[], root: readonly string[]): boolean {
  if (root.length === 1 && root[0] === "") return true;
  return root.length <= path.length && root.every((segment, index) => segment === path[index]);
}

function parseRoots(raw: readonly string[]): readonly string[] {
  const roots = raw.map((root) => root.replace(/^\/+|\/+$/g, ""));
  roots.forEach((root, index) => {
    const other = roots.find(
      (one, at) => at !== index && startsWith(root.split("/"), one.split("/")),
    );
    if (other === undefined) return;
    throw malformed(`roots "${other}" and "${root}" overlap`, "keep the shorter one");
  });
  return roots;
}

function parseWasm(raw: unknown): readonly WasmResolver[] {
  const problem = () =>
    malformed("wasm is not a list of {entrypoint, module}", "let opa build -t wasm write it");
  if (!Array.isArray(raw)) throw problem();
  const resolvers = raw.map((one: unknown): WasmResolver => {
    const { entrypoint, module } = (one ?? {}) as { entrypoint?: unknown; module?: unknown };
    if (typeof entrypoint !== "string" || typeof module !== "string") throw problem();
    return { entryPoint: entrypoint, module: module.replace(/^\//, "") };
  });
  const seen = new Set<string>();
  for (const { entryPoint } of resolvers) {
    if (seen.has(entryPoint)) throw malformed(`names ${entryPoint} twice`, "name it once");
    seen.add(entryPoint);
  }
  return resolvers;
}

/** Modules are compiled as Rego v1 whatever a manifest says, so one that says otherwise is refused. */
function assertRegoV1(raw: Readonly<Record<string, unknown>>): void {
  const perFile = raw.file_rego_versions ?? {};
  const versions = [raw.rego_version ?? 1, ...Object.values(perFile as object)];
  const other = versions.find((version) => version !== 1);
  if (other === undefined) return;
  throw malformed(
    `asks for Rego version ${JSON.stringify(other)}`,
    "write Rego v1 (opa fmt --v0-v1)",
  );
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function malformed(what: string, fix: string): BundleError {
  return new BundleError("NotABundle", `bundle: .manifest ${what}; ${fix}`);
}
