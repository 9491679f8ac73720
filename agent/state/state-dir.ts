import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What was found in one state file. `corrupt`: there is one, and it cannot be used. */
export type StateFile =
  | { readonly state: "present"; readonly value: unknown }
  | { readonly state: "absent" }
  | { readonly state: "corrupt"; readonly error: Error };

/**
 * JSON files in the agent's state folder (`/var/lib/guardbee`), which outlives the agent and the
 * node's boot. A file is either its old or its new content, never a part: it is written beside its
 * place and renamed.
 */
export class StateDir {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async read(name: string): Promise<StateFile> {
    try {
      return { state: "present", value: JSON.parse(await readFile(this.#path(name), "utf8")) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return { state: "absent" };
      return { state: "corrupt", error: error as Error };
    }
  }

  /** Replaces `name`, readable by root alone; it is on disk when the promise resolves. */
  async write(name: string, value: unknown): Promise<void> {
    const path = this.#path(name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const beside = `${path}.${randomUUID()}.tmp`;
    try {
      const file = await open(beside, "wx", 0o600);
      try {
        await file.writeFile(`${JSON.stringify(value)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  /** Names in `folder`, also those that a killed agent left unfinished; none when there is no folder. */
  async list(folder: string): Promise<readonly string[]> {
    try {
      return (await readdir(this.#path(folder))).map((name) => join(folder, name)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#root, name);
  }
}
