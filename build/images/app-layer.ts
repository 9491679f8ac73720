import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addon, bundleApp } from "./bundle.ts";
import type { TarEntry } from "./tar.ts";
import { type Exclude, treeEntries } from "./tree.ts";

/** Where the application is in both images. */
const home = "opt/guardbee";

export type AppEntries = {
  readonly agent: TarEntry[];
  readonly operator: TarEntry[];
  /** Folders of the packages of others that are bundled, relative to the root of the sources. */
  readonly packages: readonly string[];
};

/** The bundled application: code, built Rego modules and, for the agent, addon and BPF objects. */
export async function appEntries(appRoot: string): Promise<AppEntries> {
  const bundled = mkdtempSync(join(tmpdir(), "guardbee-app-"));
  try {
    const packages = await bundleApp(appRoot, bundled);
    const operator = [
      ...treeEntries(join(bundled, "cli"), `${home}/cli`, () => false),
      ...treeEntries(join(bundled, "rego"), `${home}/rego`, (path) => /(^|\/)testdata$/.test(path)),
      launcher,
    ];
    return { agent: [...operator, tetra, ...kernelEntries(bundled)], operator, packages };
  } finally {
    rmSync(bundled, { recursive: true });
  }
}

/** What the agent's part in the kernel is made of, where it is built. */
function kernelEntries(bundled: string): TarEntry[] {
  const noHeader: Exclude = (path) => path.startsWith("vmlinux");
  return [addon, "bpf/build"]
    .filter((part) => existsSync(join(bundled, part)))
    .flatMap((part) => treeEntries(join(bundled, part), `${home}/${part}`, noHeader));
}

/** Upstream's client, by its name, where upstream's image has it on the path. */
const tetra: TarEntry = {
  kind: "link",
  path: "usr/local/bin/tetra",
  target: `/${home}/cli/bin/tetra.js`,
};

const launcher: TarEntry = {
  kind: "link",
  path: "usr/local/bin/guardbee",
  target: `/${home}/cli/bin/guardbee.js`,
};
