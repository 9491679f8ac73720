import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Something of somebody's own that is in an image: copied there, or linked or bundled into a file. */
export type Part = {
  readonly name: string;
  readonly version: string;
  /** Package URL (github.com/package-url/purl-spec): identifies it for scanners. */
  readonly purl: string;
  /** SPDX identifiers, or names as its authors write them. */
  readonly licenses: readonly string[];
  /** Where in the image it is: paths of files, or of the file that it is a part of. */
  readonly files: readonly string[];
  /** The texts that its authors ask to go with copies, by file name. */
  readonly texts: ReadonlyMap<string, Buffer>;
  /** Of what it was made from, in hexadecimal. */
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
};

/** Texts of licences and notices directly in `folder`. */
export function licenseTexts(folder: string): Map<string, Buffer> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(
    names
      .filter((name) => /^(licen[cs]es?|copying|copyright|notice|patents)([.-]|$)/i.test(name))
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))] as const),
  );
}
