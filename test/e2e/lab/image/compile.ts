import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The workspaces, whose code the images hold. */
export const workspaces = ["policy", "kube", "operator", "agent", "cli"] as const;

/**
 * Writes the application at `appRoot` to `out` as JavaScript, which starts twice as fast as what
 * Node strips types of, and without the 30 MB that the stripping takes. Throws when tsc is missing
 * or refuses a source.
 */
export function compileApp(appRoot: string, out: string): void {
  rmSync(out, { recursive: true, force: true });
  const tsc = join(appRoot, "node_modules/.bin/tsc");
  execFileSync(tsc, ["-p", join(appRoot, "tsconfig.app.json"), "--outDir", out], {
    cwd: appRoot,
    stdio: ["ignore", "inherit", "inherit"],
  });
  mkdirSync(join(out, "node_modules/@guardbee"), { recursive: true });
  for (const name of workspaces) {
    // The names that other workspaces import are of sources there.
    const manifest = readFileSync(join(appRoot, name, "package.json"), "utf8");
    writeFileSync(join(out, name, "package.json"), manifest.replaceAll('.ts"', '.js"'));
    symlinkSync(`../../${name}`, join(out, "node_modules/@guardbee", name));
  }
  for (const part of ["package.json", "cli/bin", "rego", "bpf/build", "agent/kernel/build"]) {
    copyIfThere(join(appRoot, part), join(out, part));
  }
}

function copyIfThere(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    cpSync(from, to, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // built later
  }
}
