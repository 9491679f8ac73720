import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/**
 * Where things are pinned: `<bpffs>/<version>/{maps,links,programs,retired,hooks/<attach point>}`. The version is a
 * digest of all BPF objects, so that an agent with other programs never adopts maps that its own
 * would read differently; it sets up beside the old ones and removes them when it holds everything.
 */
export class Pins {
  readonly root: string;
  readonly maps: string;
  readonly links: string;
  /** The programs of `links`, by the same names. */
  readonly programs: string;
  readonly hooks: string;
  /** Programs that are detached: see RetiredPrograms. */
  readonly retired: string;
  readonly #bpffs: string;

  constructor(bpffs: string, objects: string) {
    const digest = createHash("sha256");
    for (const file of readdirSync(objects).sort()) {
      if (!file.endsWith(".bpf.o")) continue;
      const bytes = readFileSync(join(objects, file));
      // Tells builds apart, which no attacker makes: a digest of all bytes is a tenth of a start.
      digest.update(`${file} ${bytes.length} ${crc32(bytes)}\n`);
    }
    this.#bpffs = bpffs;
    this.root = join(bpffs, `v-${digest.digest("hex").slice(0, 12)}`);
    this.maps = join(this.root, "maps");
    this.links = join(this.root, "links");
    this.programs = join(this.root, "programs");
    this.hooks = join(this.root, "hooks");
    this.retired = join(this.root, "retired");
    this.makeFolders();
  }

  /** Makes what is not there, which somebody may have removed. */
  makeFolders(): void {
    const { maps, links, programs, hooks, retired } = this;
    for (const folder of [maps, links, programs, hooks, retired]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  }

  hook(name: string): string {
    return join(this.hooks, name);
  }

  /** Names of the attach points that some agent of this version pinned. */
  pinnedHooks(): readonly string[] {
    return existsSync(this.hooks) ? readdirSync(this.hooks).sort() : [];
  }

  /** Whether an agent of another version has taken over: it removed what is of this one. */
  isSuperseded(): boolean {
    const isGone = !existsSync(this.root) && existsSync(this.#bpffs);
    return isGone && readdirSync(this.#bpffs).length > 0;
  }

  /** Folders of what agents of other versions left. Unpinned it is detached: nobody holds it open. */
  otherVersions(): readonly string[] {
    return readdirSync(this.#bpffs)
      .map((name) => join(this.#bpffs, name))
      .filter((path) => path !== this.root);
  }
}

/** Removes a folder of pins; a link whose only holder was the pin is detached by that. */
export function removePins(path: string): void {
  if (existsSync(path)) rmSync(path, { recursive: true, force: true });
}
