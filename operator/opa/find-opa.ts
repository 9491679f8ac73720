import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/**
 * The path of the `opa` program: environment variable OPA, else the first `opa` on PATH. Throws when
 * there is none that may be executed, saying what to do.
 */
export async function findOpa(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const { OPA, PATH = "" } = environment;
  if (OPA !== undefined && OPA !== "") {
    if (await isExecutable(OPA)) return OPA;
    throw new Error(`OPA is ${OPA}, which is no executable file; name the opa program in it`);
  }
  for (const folder of PATH.split(delimiter)) {
    const path = join(folder, "opa");
    if (folder !== "" && (await isExecutable(path))) return path;
  }
  throw new Error(
    "no opa found, and Rego that is no bundle with policy.wasm needs it: install OPA 1.x on PATH, or set OPA to its path",
  );
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
