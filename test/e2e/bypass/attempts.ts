/** Test support: attempts to get around a policy, in a guest. */
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { compileC } from "../../../agent/kernel/testing/compile.ts";

/** Compiles the helper that makes the attempts, in attempt/, without libraries to `path`. */
export function buildAttempt(path: string): void {
  build("attempt/*.c", path);
}

/** Makes a library that ends the program which loads it well, before its own code runs. */
export function buildPreloaded(path: string): void {
  const source =
    "#include <unistd.h>\n__attribute__((constructor)) static void begin(void) { _exit(0); }\n";
  const flags = ["-shared", "-fPIC", "-x", "c", "-", "-o", path];
  execFileSync("gcc", flags, { input: source });
}

/** Compiles follow.c, without libraries, to `path`. */
export function buildFollow(path: string): void {
  build("follow.c", path);
}

/** Compiles crowd.c, without libraries, to `path`. */
export function buildCrowd(path: string): void {
  build("crowd.c", path);
}

/** Compiles runtime.c, without libraries, to `path`. */
export function buildRuntime(path: string): void {
  build("runtime.c", path);
}

function build(files: string, path: string): void {
  const cwd = import.meta.dirname;
  const flags = ["-O1", "-static", "-no-pie", "-pthread"]; // no PIE: what int $0x80 reads is below 4 GiB
  const paths = globSync(files, { cwd }).sort();
  compileC(
    path,
    paths.map((file) => join(cwd, file)),
    flags,
  );
}
