import { StateDir, type StateFile } from "../../agent/state/state-dir.ts";

/** File contents, each once however many nodes have it. */
const contents = new Map<string, string>();

/** A node's state folder in memory. What all nodes save alike they share: thousands fit a machine. */
export class SharedDisk extends StateDir {
  readonly #files = new Map<string, string>();

  constructor() {
    super("/nonexistent"); // every method that would look there is replaced
  }

  override async read(name: string): Promise<StateFile> {
    const text = this.#files.get(name);
    return text === undefined
      ? { state: "absent" }
      : { state: "present", value: JSON.parse(text) as unknown };
  }

  override async write(name: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    const shared = contents.get(text) ?? text;
    contents.set(shared, shared);
    this.#files.set(name, shared);
  }

  override async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  override async list(folder: string): Promise<readonly string[]> {
    return [...this.#files.keys()].filter((name) => name.startsWith(`${folder}/`)).sort();
  }
}
