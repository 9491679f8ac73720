import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import type { Part } from "./part.ts";

/** A file of this machine, and the file of the image that it is, or is linked into. */
export type Origin = { readonly source: string; readonly file: string };

/** The Debian packages that files come from. Throws for a file of none. */
export function debianParts(origins: readonly Origin[]): Part[] {
  const byPackage = Map.groupBy(origins, ({ source }) => packageOf(source));
  return [...byPackage].map(([name, members]) => {
    const [version = "", arch = ""] = fieldsOf(name, ["Version", "Architecture"]);
    const files = [...new Set(members.map(({ file }) => file))];
    return debianPart({ name: name.split(":")[0]!, version, arch, files });
  });
}

/** A package that was fetched and not installed has its `copyright` elsewhere. */
export function debianPart(about: {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly files: readonly string[];
  readonly copyright?: string;
}): Part {
  const { name, version, arch, files } = about;
  const copyright = readFileSync(about.copyright ?? `/usr/share/doc/${name}/copyright`);
  const text = copyright.toString();
  // GPL, LGPL and others stand in full in one place of the system, to which the text refers.
  const named = [...text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9.+-]*[A-Za-z0-9])/g)];
  const common = [...new Set(named.map(([, one]) => one!))].sort();
  return {
    ...{ name, version, files },
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}`,
    licenses: namesIn(text, common),
    texts: new Map([
      ["copyright", copyright],
      ...common.map((one) => [one, readFileSync(`/usr/share/common-licenses/${one}`)] as const),
    ]),
  };
}

/** The short names of a machine-readable copyright file (DEP-5), or those that the text refers to. */
function namesIn(text: string, common: readonly string[]): readonly string[] {
  const short = [...text.matchAll(/^License: *(\S.*)$/gm)].map(([, name]) => name!.trim());
  const names = short.length > 0 ? short : common;
  return [...new Set(names.length > 0 ? names : ["as its copyright file says"])].sort();
}

/** Where / and /usr are one, packages know a file by either path. */
function packageOf(path: string): string {
  const real = realpathSync(path);
  for (const one of [real, real.replace(/^\/usr\//, "/"), `/usr${real}`, path]) {
    const { status, stdout } = spawnSync("dpkg-query", ["--search", one], { encoding: "utf8" });
    if (status === 0) return stdout.slice(0, stdout.indexOf(": "));
  }
  throw new Error(`${path}: is of no Debian package; build images on Debian, or in config/images`);
}

function fieldsOf(name: string, fields: readonly string[]): readonly string[] {
  const format = fields.map((field) => `\${${field}}\n`).join("");
  const args = ["--show", `--showformat=${format}`, name];
  return execFileSync("dpkg-query", args, { encoding: "utf8" }).split("\n");
}
