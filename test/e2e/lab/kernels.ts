import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ensureBuilt } from "./build.ts";

/** The kernels that guests run. `lab` has error injection and fmod_ret; Debian's lack them. */
export const kernelNames = ["lab", "debian-6.12", "debian-6.1", "debian-7.3"] as const;
export type KernelName = (typeof kernelNames)[number];

/** A built kernel. `modules` is undefined where everything is compiled in. */
export type Kernel = {
  readonly vmlinuz: string;
  readonly modules: ModuleTree | undefined;
};

/** `root` holds one folder, `release`, as /lib/modules does. */
export type ModuleTree = { readonly root: string; readonly release: string };

/** The kernel called `name`, built or fetched first if the cache lacks it. */
export async function ensureKernel(name: KernelName): Promise<Kernel> {
  const item = `kernel-${name}`;
  const vmlinuz = (await ensureBuilt([item]))[item]!;
  if (name === "lab") return { vmlinuz, modules: undefined };
  const release = readFileSync(join(dirname(vmlinuz), "release"), "utf8").trim();
  return { vmlinuz, modules: { root: join(dirname(vmlinuz), "lib/modules"), release } };
}

/** `name` as a kernel name; throws with the known ones otherwise. */
export function parseKernelName(name: string): KernelName {
  const known = kernelNames.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  throw new Error(`kernel ${name}: is unknown; one of ${kernelNames.join(", ")}`);
}

/** Paths in `tree`, dependencies first, of the named modules that are not compiled in. */
export function moduleFiles(tree: ModuleTree, names: readonly string[]): string[] {
  const dir = join(tree.root, tree.release);
  const table = parseModulesDep(readFileSync(join(dir, "modules.dep"), "utf8"));
  return loadOrder(table, names).map((path) => join(dir, path));
}

/** Module file to the files it needs, in the order modules.dep gives: the last is loaded first. */
export function parseModulesDep(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split("\n").filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => {
      const [file, needs] = line.split(":");
      return [file!, needs!.trim().split(" ").filter(Boolean)];
    }),
  );
}

/** The files to load for `names`, each once and after what it needs; unknown names are left out. */
export function loadOrder(
  table: ReadonlyMap<string, readonly string[]>,
  names: readonly string[],
): string[] {
  const byName = new Map([...table.keys()].map((file) => [moduleName(file), file]));
  const order = new Set<string>();
  for (const name of names) {
    const file = byName.get(name.replaceAll("-", "_"));
    if (file === undefined) continue;
    for (const needed of [...table.get(file)!].reverse()) order.add(needed);
    order.add(file);
  }
  return [...order];
}

function moduleName(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}
