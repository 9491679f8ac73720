import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export const root = dirname(import.meta.dirname);

/** File → the files of the repository that it imports, types among them; both by path from the root. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** What the sources of these folders import of each other. */
export function importsOf(folders: readonly string[]): Imports {
  const files = globSync(`{${folders.join()}}/**/*.{ts,js}`, { cwd: root }).filter(
    (file) => !file.includes("node_modules"),
  );
  return new Map(files.sort().map((file) => [file, importsIn(file)]));
}

/** Whether a file is no test and nothing that only tests use. */
export function isProduct(file: string): boolean {
  return !/\.test\.ts$|(^|\/)(testing|testdata)\/|(^|\/)(testing|fake|test)-[^/]*$/.test(file);
}

/** Files that import each other in a circle; one list a circle, in order. */
export function circles(imports: Imports): readonly (readonly string[])[] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

function importsIn(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((m) => m[1]!);
  const targets = specifiers.flatMap((specifier) => resolve(specifier, file));
  return [...new Set(targets)].filter((target) => /\.[jt]s$/.test(target));
}

function resolve(specifier: string, file: string): readonly string[] {
  if (specifier.startsWith(".")) return [relative(root, join(root, dirname(file), specifier))];
  const [scope, name, ...rest] = specifier.split("/");
  if (scope !== "@guardbee") return [];
  const manifest = readFileSync(join(root, name!, "package.json"), "utf8");
  const { exports } = JSON.parse(manifest) as { readonly exports: Record<string, string> };
  const target = exports[[".", ...rest].join("/")];
  if (target === undefined) throw new Error(`${file}: ${specifier}: is not exported`);
  return [join(name!, target)];
}
