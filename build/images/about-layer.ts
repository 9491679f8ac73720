import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Part } from "./part.ts";
import { cycloneDx } from "./sbom.ts";
import type { TarEntry } from "./tar.ts";

export type About = {
  /** The image's name without tag. */
  readonly image: string;
  readonly version: string;
  readonly appRoot: string;
  readonly parts: readonly Part[];
};

/** Where both images have their licences, and what is in them. */
const home = "opt/guardbee";
export const sbomPath = `${home}/sbom.cdx.json`;
const licensesPath = `${home}/licenses`;
export const indexPath = `${licensesPath}/INDEX.md`;

/**
 * The licences of all that is in an image, an index of them, and the bill of materials. Throws for a
 * part whose authors' text was not found: an image without it is not to be given away.
 */
export function aboutEntries({ image, version, appRoot, parts }: About): TarEntry[] {
  const lacking = parts.filter(({ texts, licenses }) => texts.size === 0 || licenses.length === 0);
  if (lacking.length > 0) {
    const names = lacking.map(({ purl }) => purl).join(", ");
    throw new Error(
      `${image}: no licence was found of ${names}; say in image/parts.ts where it is`,
    );
  }
  const sorted = [...parts].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const own = ["LICENSE", "bpf/LICENSE.BSD-2-Clause", "bpf/LICENSE.GPL-2.0"];
  return [
    file(sbomPath, cycloneDx(image, version, sorted)),
    file(indexPath, Buffer.from(index(image, sorted))),
    ...own.map((path) =>
      file(`${licensesPath}/guardbee/${path}`, readFileSync(join(appRoot, path))),
    ),
    ...sorted.flatMap((part) =>
      [...part.texts].map(([name, text]) => file(`${folderOf(part)}/${name}`, text)),
    ),
  ];
}

/** `opt/guardbee/licenses/deb/libc6`: by kind of package and name, one folder a version. */
function folderOf({ purl, name, version }: Part): string {
  const kind = purl.slice("pkg:".length).split("/")[0]!;
  const safe = version.replaceAll(/[^\w.+~-]/g, "_");
  return `${licensesPath}/${kind}/${name}@${safe}`;
}

function index(image: string, parts: readonly Part[]): string {
  const rows = parts.map((part) => {
    const at = folderOf(part).slice(licensesPath.length + 1);
    const texts = [...part.texts.keys()].map((name) => `${at}/${name}`).join(", ");
    return `| ${part.name} | ${part.version} | ${part.licenses.join(", ")} | ${part.files.join(", ")} | ${texts} |`;
  });
  return [
    `# What is in ${image}, and under which licences`,
    "Guardbee itself is under guardbee/LICENSE (Apache-2.0), its BPF programs under either of guardbee/bpf/.",
    "",
    "| part | version | licences | in | texts |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function file(path: string, data: Buffer): TarEntry {
  return { kind: "file", path, mode: 0o644, data };
}
