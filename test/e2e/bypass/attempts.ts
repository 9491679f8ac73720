/** Test support: attempts to get around a policy, in a guest. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Compiles attempt.c, without libraries, to `path`. */
export function buildAttempt(path: string): void {
  build("attempt.c", path);
}

/** Compiles runtime.c, without libraries, to `path`. */
export function buildRuntime(path: string): void {
  build("runtime.c", path);
}

function build(file: string, path: string): void {
  const source = fileURLToPath(new URL(file, import.meta.url));
  execFileSync("gcc", ["-O1", "-static", "-o", path, source]);
}
