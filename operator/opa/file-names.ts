/**
 * Names of Rego files below a folder, one for each of `paths` and each its own: what the author calls
 * the file, with what could lead out of the folder or out of a line percent-encoded. The compiled
 * module has them in it, and its errors begin with them, so they are the same each time.
 */
export function regoFileNames(paths: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (const [i, path] of paths.entries()) {
    let name = fileName(path);
    for (let n = i; names.some((one) => collide(one, name)); n++) name = `module-${n}.rego`;
    names.push(name);
  }
  return names;
}

function fileName(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  const name = segments.map((segment) => encodeSegment(segment)).join("/");
  return name.endsWith(".rego") && name !== ".rego" ? name : `${name || "module"}.rego`;
}

/** What a file system takes as the name of a folder or file. */
const longestSegment = 200;

function encodeSegment(segment: string): string {
  if (segment === "..") return "%2E%2E";
  const encoded = segment
    .toWellFormed()
    .replace(/[^\p{L}\p{N}_.@+=,~-]/gu, (character) => encodeURIComponent(character));
  const name = encoded.replace(/[!'()*]/g, "_");
  return Buffer.byteLength(name) <= longestSegment ? name : `${[...name].slice(0, 40).join("")}~`;
}

/** Also where one would have to be the other's folder. */
function collide(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
