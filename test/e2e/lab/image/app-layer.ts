import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { compileApp, workspaces } from "./compile.ts";
import type { TarEntry } from "./tar.ts";
import { type Exclude, treeEntries } from "./tree.ts";

/** Where the application is in both images. */
const home = "opt/guardbee";

/** Folders of the repository in both images; what is not there yet is left out. */
const appParts = ["package.json", ...workspaces, "rego"];

/** The compiled application: code, built Rego modules and, for the agent, addon and BPF objects. */
export function appEntries(appRoot: string): { agent: TarEntry[]; operator: TarEntry[] } {
  const compiled = mkdtempSync(join(tmpdir(), "guardbee-app-"));
  try {
    compileApp(appRoot, compiled);
    return { agent: entriesOf(compiled, true), operator: entriesOf(compiled, false) };
  } finally {
    rmSync(compiled, { recursive: true });
  }
}

function entriesOf(compiled: string, kernel: boolean): TarEntry[] {
  const exclude: Exclude = (path) =>
    /(^|\/)testdata(\/|$)|\.(o|d)$/.test(path) || (!kernel && path.endsWith(".node"));
  const code = appParts.flatMap((part) =>
    treeEntries(join(compiled, part), `${home}/${part}`, exclude),
  );
  const objects = join(compiled, "bpf/build");
  const bpf: TarEntry[] =
    kernel && existsSync(objects)
      ? treeEntries(objects, `${home}/bpf/build`, (path) => basename(path).startsWith("vmlinux"))
      : [];
  return [...code, ...bpf, launcher];
}

/** The packages that production code needs; workspaces stay links into the application. */
export function dependencyEntries(appRoot: string): TarEntry[] {
  const listed = productionPackages(appRoot);
  return listed.flatMap((path) =>
    treeEntries(join(appRoot, path), `${home}/${path}`, (inside) =>
      /(^|\/)(node_modules|prebuilds|test|tests|docs)(\/|$)|\.(d\.ts|d\.mts|d\.cts|map|md)$/.test(
        inside,
      ),
    ),
  );
}

const launcher: TarEntry = {
  kind: "link",
  path: "usr/local/bin/guardbee",
  target: `/${home}/cli/bin/guardbee.js`,
};

/** Folders under node_modules, relative to the root: types and the node binary are left out. */
function productionPackages(appRoot: string): string[] {
  if (!existsSync(join(appRoot, "node_modules"))) return [];
  const output = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], {
    cwd: appRoot,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output
    .split("\n")
    .map((path) => relative(appRoot, path))
    .filter((path) => path.includes("node_modules/"))
    .filter((path) => !/node_modules\/(@types\/|node-linux-|bare-)/.test(path))
    .sort();
}
