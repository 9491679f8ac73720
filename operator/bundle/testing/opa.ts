import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** The real opa. A test that needs it fails without: it is small, and built by one command. */
export function needOpa(): string {
  const program = findOpa();
  if (program !== undefined) return program;
  throw new Error("opa is not built: node build/tools.ts opa, or name it in OPA");
}

/** The real opa, from OPA or the newest that the lab has built. */
export function findOpa(): string | undefined {
  if (process.env.OPA) return process.env.OPA;
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "guardbee/lab");
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .filter((name) => name.startsWith("opa-") && !/\.(tmp|lock)$/.test(name))
    .map((name) => join(root, name, "opa"))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

/** What the real opa prints, run in `cwd`; throws with what it complains of. */
export function opa(args: readonly string[], cwd?: string): string {
  return execFileSync(needOpa(), args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
  });
}

/** Whether the real opa takes these arguments without an error. */
export function opaAccepts(args: readonly string[]): boolean {
  try {
    opa(args);
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

/** A folder that goes when the tests of this file end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-bundle-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
