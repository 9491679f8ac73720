import { BundleError } from "./bundle-error.ts";

const pathBytesMax = 1024;
const segmentBytesMax = 255; // NAME_MAX: whoever writes the modules to disk can
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const forbidden = /[\u0000-\u001f\u007f\\]/;

/**
 * The path of a bundle's file, relative and with `/` only. One leading slash goes, because `opa build`
 * writes one, and one leading `./`, because `tar -C folder .` does. Whatever could lead out of the
 * bundle, or mean another file elsewhere, is `UnsafePath`.
 */
export function parseBundlePath(raw: string): string {
  const path = raw.replace(/^(?:\.\/|\/)/, "");
  const problem = problemOf(path);
  if (problem === undefined) return path;
  throw new BundleError(
    "UnsafePath",
    `bundle: the path ${JSON.stringify(raw.slice(0, 200))} ${problem}; build the bundle with opa build`,
  );
}

function problemOf(path: string): string | undefined {
  if (path === "") return "is empty";
  if (Buffer.byteLength(path) > pathBytesMax) return `is longer than ${pathBytesMax} bytes`;
  if (forbidden.test(path)) return "has a backslash or a control character";
  if (path.includes("\ufffd") || !path.isWellFormed()) return "is not UTF-8";
  for (const segment of path.split("/")) {
    if (segment === "") return "is absolute or has an empty part";
    if (segment === "." || segment === "..") return `has the part "${segment}"`;
    if (Buffer.byteLength(segment) > segmentBytesMax) {
      return `has a part longer than ${segmentBytesMax} bytes`;
    }
  }
  return undefined;
}
