/** Test support: attempts to get around a policy, in a guest. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Compiles attempt.c, without libraries, to `path`. */
export function buildAttempt(path: string): void {
  const source = fileURLToPath(new URL("./attempt.c", import.meta.url));
  execFileSync("gcc", ["-O1", "-static", "-o", path, source]);
}
