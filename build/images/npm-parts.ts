import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { licenseTexts, type Part } from "./part.ts";

/** What `npm sbom` says of one package of the lock file. */
type Component = {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: Part["hashes"];
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string; readonly name?: string };
    readonly expression?: string;
  }[];
};

/** Folders of packages below `appRoot`, and the file of the image that each is bundled into. */
export function npmParts(appRoot: string, packages: readonly string[], file: string): Part[] {
  const components = new Map(readLock(appRoot).map((one) => [one.purl, one]));
  return packages.map((path) => {
    const folder = join(appRoot, path);
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    const component = components.get(purl);
    if (component === undefined)
      throw new Error(`${path}: is not in package-lock.json; run npm ci`);
    const { hashes } = component;
    return {
      ...{ name, version, purl, licenses: licensesOf(component), files: [file] },
      texts: textsOf(folder),
      ...(hashes === undefined ? {} : { hashes }),
    };
  });
}

/** Where no text is shipped, what its authors say in its place: the field `license`, and a notice. */
function textsOf(folder: string): ReadonlyMap<string, Buffer> {
  const texts = licenseTexts(folder);
  if (texts.size > 0) return texts;
  const names = readdirSync(folder).filter((name) => /^(package\.json|readme(\..*)?)$/i.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

/** Node itself is a package of npm, whose program is copied as it is. */
export function nodePart(appRoot: string, file: string): Part {
  const [part] = npmParts(appRoot, [`node_modules/node-linux-${process.arch}`], file);
  return part!;
}

function readLock(appRoot: string): readonly Component[] {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const text = execFileSync("npm", args, { cwd: appRoot, encoding: "utf8", maxBuffer: 64 << 20 });
  return (JSON.parse(text) as { components: Component[] }).components;
}

function licensesOf({ licenses = [] }: Component): readonly string[] {
  return licenses.map((one) => one.expression ?? one.license?.id ?? one.license?.name ?? "");
}
