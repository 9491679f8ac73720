import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve, sep } from "node:path";
import { formatProblem, type RegoPolicy, readObjects, regoKinds } from "@guardbee/policy";
import { UsageError } from "../command.ts";

export type StageOptions = {
  readonly cwd: string;
  /** Whether files that end in `_test.rego` are there too. */
  readonly tests: boolean;
};

export type Stage = {
  /** The root of a bundle: what opa reports is relative to it. */
  readonly folder: string;
  /** Text of each Rego file. */
  readonly modules: readonly string[];
  remove(): Promise<void>;
};

/**
 * Puts what `paths` name into one folder, as a bundle has it: folders with what is in them, Rego and
 * data files by their own names, and of a RegoPolicy its modules and its data. Our library is added
 * where it is asked for. UsageError for a path that is none of that, or that another one overwrites.
 */
export async function stageRego(paths: readonly string[], options: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "guardbee-rego-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const path of paths) await stagePath(path, folder, options);
    const { libraryFor } = await import("@guardbee/operator/offline");
    const modules = await regoIn(folder);
    for (const { path, text } of await libraryFor(modules)) await put(folder, path, text, path);
    return { folder, modules, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function stagePath(
  path: string,
  folder: string,
  { cwd, tests }: StageOptions,
): Promise<void> {
  const from = resolve(cwd, path);
  const kind = await stat(from).catch((error: Error) => {
    throw new UsageError(`${path}: cannot be read: ${error.message}`);
  });
  if (kind.isDirectory()) {
    for (const name of await readdir(from, { recursive: true })) {
      const file = join(from, name);
      const copied = (tests || !name.endsWith("_test.rego")) && (await stat(file)).isFile();
      if (copied) await put(folder, name, await readFile(file), path);
    }
    return;
  }
  const content = await readFile(from);
  if (/\.(ya?ml|json)$/.test(path)) {
    const found = objectsIn(path, content).filter(isRegoPolicy);
    for (const object of found) await stagePolicy(path, object, folder);
    if (found.length > 0) return;
  }
  if (!path.endsWith(".rego") && !/^data\.(ya?ml|json)$/.test(basename(path))) {
    const fix = "name Rego, data.json, data.yaml, a RegoPolicy, or a folder";
    throw new UsageError(`${path}: is not known; ${fix}`);
  }
  if (tests || !path.endsWith("_test.rego")) await put(folder, basename(path), content, path);
}

async function stagePolicy(path: string, { spec }: RegoPolicy, folder: string): Promise<void> {
  if (spec.modules === undefined) {
    throw new UsageError(`${path}: has no modules; name the files of its bundle instead`);
  }
  for (const { name, rego } of spec.modules) {
    await put(folder, name.endsWith(".rego") ? name : `${name}.rego`, rego, path);
  }
  if (spec.data !== undefined) await put(folder, "data.json", JSON.stringify(spec.data), path);
}

/** Writes a file that is not there, and nowhere but below `folder`. */
async function put(
  folder: string,
  name: string,
  content: string | Buffer,
  path: string,
): Promise<void> {
  const file = resolve(folder, name);
  if (!file.startsWith(folder + sep)) {
    throw new UsageError(`${path}: has a module ${name}, which leads elsewhere; rename it`);
  }
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(file, content, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new UsageError(`${path}: has ${name}, which another path has too; give one of the two`);
  }
}

async function regoIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith(".rego")).sort();
  return Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
}

function objectsIn(path: string, content: Uint8Array): readonly unknown[] {
  const objects = readObjects(content, path);
  if (objects.ok) return objects.value;
  throw new UsageError(objects.problems.map(formatProblem).join("\n"));
}

function isRegoPolicy(raw: unknown): raw is RegoPolicy {
  const { kind, spec } = (raw ?? {}) as { readonly kind?: unknown; readonly spec?: unknown };
  const known = regoKinds.some((one) => one.kind === kind);
  return known && typeof spec === "object" && spec !== null;
}
