import type { Bundle, BundleModule, BundleWasm } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import {
  type DocumentObject,
  decodeText,
  documentBytesMax,
  isDocumentObject,
  parseJson,
  parseYamlDocument,
} from "./document.ts";
import {
  emptyManifest,
  type Manifest,
  readManifest,
  rootsContain,
  startsWith,
} from "./manifest.ts";
import { packagePath } from "./package-path.ts";
import type { BundleFiles } from "./unpack.ts";

/**
 * What the files mean, by OPA's rules (v1/bundle/bundle.go): data at its folder, roots enforced for
 * modules, data and entry points. Files of no known name mean nothing. Delta bundles are refused.
 */
export function assembleBundle(
  files: BundleFiles,
  options: { readonly digest: string; readonly manifest: "required" | "optional" },
): Bundle {
  const manifest = readManifest(files);
  if (manifest === undefined && options.manifest === "required") {
    throw new BundleError("NoManifest", "bundle: has no .manifest; build it with opa build");
  }
  const { revision, roots, wasm: resolvers } = manifest ?? emptyManifest;
  const paths = [...files.keys()].sort();
  const delta = paths.find((path) => baseName(path) === "patch.json");
  if (delta !== undefined) throw notABundle(`${delta} makes it a delta`, "serve a whole bundle");
  const modules = paths
    .filter((path) => path.endsWith(".rego"))
    .map((path) => ({ path, text: decodeText(path, files.get(path)!) }));
  const data = mergeData(paths, files);
  const wasm = findWasm(paths, files, resolvers);
  if (rootsContain(roots, [""])) {
    return { revision, digest: options.digest, modules, data, ...wasm };
  }
  assertModulesWithin(roots, modules);
  assertDataWithin(roots, data, []);
  assertEntryPointsWithin(roots, resolvers);
  return { revision, digest: options.digest, modules, data, ...wasm, roots };
}

function mergeData(paths: readonly string[], files: BundleFiles): DocumentObject {
  let merged: DocumentObject = {};
  let bytes = 0;
  for (const path of paths) {
    const parse = parserFor(path);
    if (parse === undefined) continue;
    bytes += files.get(path)!.byteLength;
    if (bytes > documentBytesMax) {
      throw new BundleError(
        "TooLarge",
        `bundle: has more than ${documentBytesMax} bytes of data; leave out what the policy does not need`,
      );
    }
    const folder = path.split("/").slice(0, -1);
    if (folder.length > 0) folder[0] = folder[0]!.replace(/^\.+/, ""); // as OPA does
    let document = parse(path, files.get(path)!);
    for (const key of folder.filter((segment) => segment !== "").reverse()) {
      document = Object.fromEntries([[key, document]]);
    }
    if (!isDocumentObject(document)) throw notABundle(`${path} is not an object`, "make it one");
    merged = merge(merged, document, path);
  }
  return merged;
}

function parserFor(path: string): typeof parseJson | undefined {
  const name = baseName(path);
  if (name === "data.json") return parseJson;
  return name === "data.yaml" || name === "data.yml" ? parseYamlDocument : undefined;
}

function merge(into: DocumentObject, from: DocumentObject, path: string): DocumentObject {
  const added = Object.entries(from).map(([key, value]): [string, unknown] => {
    if (!Object.hasOwn(into, key)) return [key, value];
    const existing = into[key];
    if (isDocumentObject(existing) && isDocumentObject(value)) {
      return [key, merge(existing, value, path)];
    }
    throw notABundle(`${path} sets ${JSON.stringify(key)} a second time`, "set it in one file");
  });
  return Object.fromEntries([...Object.entries(into), ...added]);
}

function findWasm(
  paths: readonly string[],
  files: BundleFiles,
  resolvers: Manifest["wasm"],
): { readonly wasm?: BundleWasm } {
  const found = paths.filter((path) => baseName(path) === "policy.wasm");
  const stranger = resolvers.find(({ module }) => !found.includes(module));
  if (stranger !== undefined) {
    throw notABundle(`.manifest names ${stranger.module}, which is not there`, "add the module");
  }
  if (found.length > 1) {
    throw notABundle(`has ${found.length} policy.wasm`, "build one with all entry points");
  }
  if (found.length === 0) return {};
  const module = Uint8Array.from(files.get(found[0]!)!);
  return { wasm: { module, entryPoints: resolvers.map(({ entryPoint }) => entryPoint) } };
}

function assertModulesWithin(roots: readonly string[], modules: readonly BundleModule[]): void {
  for (const { path, text } of modules) {
    const segments = packagePath(text);
    if (segments === undefined) {
      throw notABundle(`${path} does not begin with a package`, "write package and its path first");
    }
    if (rootsContain(roots, segments)) continue;
    throw outside(roots, `package ${segments.join(".")} in ${path}`);
  }
}

function assertDataWithin(
  roots: readonly string[],
  data: DocumentObject,
  at: readonly string[],
): void {
  for (const [key, value] of Object.entries(data)) {
    const path = [...at, key];
    if (rootsContain(roots, path)) continue;
    const leadsToRoot = roots.some((root) => startsWith(root.split("/"), path));
    if (!leadsToRoot || !isDocumentObject(value)) throw outside(roots, `data at ${path.join("/")}`);
    assertDataWithin(roots, value, path);
  }
}

function assertEntryPointsWithin(roots: readonly string[], resolvers: Manifest["wasm"]): void {
  const outsider = resolvers.find(({ entryPoint }) => !rootsContain(roots, entryPoint.split("/")));
  if (outsider !== undefined) throw outside(roots, `the entry point ${outsider.entryPoint}`);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function outside(roots: readonly string[], what: string): BundleError {
  return notABundle(
    `${what} is outside of the roots [${roots.join(", ")}]`,
    "move it or change roots in .manifest",
  );
}

function notABundle(what: string, fix: string): BundleError {
  return new BundleError("NotABundle", `bundle: ${what}; ${fix}`);
}
