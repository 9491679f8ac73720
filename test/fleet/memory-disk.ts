import { StateDir, type StateFile } from "../../agent/state/state-dir.ts";

/** A node's state folder in memory, where what it saves stays as it is until it is read. */
export class MemoryDisk extends StateDir {
  readonly #files = new Map<string, unknown>();

  constructor() {
    super("/nonexistent"); // every method that would look there is replaced
  }

  override async read(name: string): Promise<StateFile> {
    if (!this.#files.has(name)) return { state: "absent" };
    const text = JSON.stringify(this.#files.get(name));
    return { state: "present", value: JSON.parse(text) as unknown };
  }

  override async write(name: string, value: unknown): Promise<void> {
    this.#files.set(name, value);
  }

  override async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  override async list(folder: string): Promise<readonly string[]> {
    return [...this.#files.keys()].filter((name) => name.startsWith(`${folder}/`)).sort();
  }
}
