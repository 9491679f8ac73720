import type { RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { stringOf } from "./operands.ts";

export const semver: Readonly<Record<string, Builtin>> = {
  "semver.is_valid": (text) => typeof text === "string" && parse(text) !== undefined,
  "semver.compare": (a, b) => compare(versionOf(a), versionOf(b)),
};

/** OPA's own reading of SemVer, which takes a leading v: internal/semver/semver.go. */
type Version = { readonly numbers: readonly bigint[]; readonly preRelease: readonly string[] };

const pattern =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function parse(text: string): Version | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, preRelease = ""] = match;
  const numbers = [major, minor, patch].map((digits) => BigInt(digits!));
  if (numbers.some((number) => number >= 2n ** 63n)) return undefined;
  const identifiers = preRelease === "" ? [] : preRelease.split(".");
  if (identifiers.some((one) => /^0\d+$/.test(one))) return undefined;
  return { numbers, preRelease: identifiers };
}

function versionOf(value: RegoValue | undefined): Version {
  const text = stringOf(value);
  const version = parse(text);
  if (version === undefined) throw new BuiltinError(`${text} is no semantic version`);
  return version;
}

function compare(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    if (number !== b.numbers[i]!) return number > b.numbers[i]! ? 1 : -1;
  }
  if (a.preRelease.length === 0 || b.preRelease.length === 0) {
    return Math.sign(b.preRelease.length - a.preRelease.length);
  }
  for (const [i, one] of a.preRelease.entries()) {
    const other = b.preRelease[i];
    if (other === undefined) return 1;
    const order = compareIdentifiers(one, other);
    if (order !== 0) return order;
  }
  return a.preRelease.length < b.preRelease.length ? -1 : 0;
}

function compareIdentifiers(a: string, b: string): number {
  const [aNumeric, bNumeric] = [a, b].map((one) => /^\d+$/.test(one));
  if (aNumeric !== bNumeric) return aNumeric ? -1 : 1;
  if (aNumeric) return BigInt(a) === BigInt(b) ? 0 : BigInt(a) > BigInt(b) ? 1 : -1;
  return a === b ? 0 : a > b ? 1 : -1;
}
