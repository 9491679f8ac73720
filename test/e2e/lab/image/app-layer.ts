import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addon, bundleApp } from "./bundle.ts";
import type { TarEntry } from "./tar.ts";
import { type Exclude, treeEntries } from "./tree.ts";

/** Where the application is in both images. */
const home = "opt/guardbee";

/** The bundled application: code, built Rego modules and, for the agent, addon and BPF objects. */
export async function appEntries(
  appRoot: string,
): Promise<{ agent: TarEntry[]; operator: TarEntry[] }> {
  const bundled = mkdtempSync(join(tmpdir(), "guardbee-app-"));
  try {
    const packages = await bundleApp(appRoot, bundled);
    const licenses = packages.flatMap((path) => licenseEntries(join(appRoot, path), path));
    const operator = [
      ...treeEntries(join(bundled, "cli"), `${home}/cli`, () => false),
      ...treeEntries(join(bundled, "rego"), `${home}/rego`, (path) => /(^|\/)testdata$/.test(path)),
      ...licenses,
      launcher,
    ];
    return { agent: [...operator, ...kernelEntries(bundled)], operator };
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

/** What the authors of a bundled package ask to go with copies of it. */
function licenseEntries(folder: string, path: string): TarEntry[] {
  const name = path.replaceAll(/(^|\/)node_modules\//g, "$1");
  return readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .flatMap((file) =>
      treeEntries(join(folder, file), `${home}/licenses/${name}/${file}`, () => false),
    );
}

const launcher: TarEntry = {
  kind: "link",
  path: "usr/local/bin/guardbee",
  target: `/${home}/cli/bin/guardbee.js`,
};
