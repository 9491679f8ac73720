import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
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
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (const file of readdirSync(objects).sort()) {
      if (!file.endsWith(".bpf.o")) continue;
      // Tells builds apart, which no attacker makes: a digest of all bytes is a tenth of a start.
      const { size, crc } = readChecksum(join(objects, file), buffer);
      digest.update(`${file} ${size} ${crc}\n`);
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

/** Of all bytes of a file, which are read to `buffer` part by part: 10 MB of files call for a collection. */
function readChecksum(
  path: string,
  buffer: Buffer,
): { readonly size: number; readonly crc: number } {
  const file = openSync(path, "r");
  let [size, crc] = [0, 0];
  try {
    for (;;) {
      const count = readSync(file, buffer, 0, buffer.length, null);
      if (count === 0) return { size, crc };
      size += count;
      crc = crc32(buffer.subarray(0, count), crc);
    }
  } finally {
    closeSync(file);
  }
}
