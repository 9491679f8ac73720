import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Inode numbers of the namespaces that say whether a user id means what it does on the host. */
export type UserPlace = { readonly mntNs: number; readonly userNs: number };

/** Names of the host's users, as its /etc/passwd has them. */
export class Accounts {
  readonly #path: string;
  readonly #host: UserPlace;
  /** By user id; the first entry of an id counts, as in libc. Written by `refresh`. */
  #names: ReadonlyMap<number, string> = new Map();
  /** Of the file that `#names` is from. Same writer. */
  #version = "";

  /** `procfs`: the host's. */
  constructor(procfs: string) {
    this.#path = join(procfs, "1/root/etc/passwd");
    this.#host = { mntNs: namespace(procfs, "mnt"), userNs: namespace(procfs, "user") };
    this.refresh();
  }

  /** Empty where it has none: an image has users of its own, and a user namespace other numbers. */
  nameOf(uid: number, place: UserPlace): string {
    const { mntNs, userNs } = this.#host;
    if (place.mntNs !== mntNs || place.userNs !== userNs) return "";
    return this.#names.get(uid) ?? "";
  }

  /** Reads the file again where it was changed. To be called about once a second. */
  refresh(): void {
    try {
      const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
      const version = `${ino} ${mtimeNs} ${size}`;
      if (version === this.#version) return;
      this.#names = parsePasswd(readFileSync(this.#path, "utf8"));
      this.#version = version;
    } catch {
      // Not there, or being replaced: what it said before goes on.
    }
  }
}

/** The lines of passwd(5), by user id. What is no line of it is left out. */
export function parsePasswd(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (name === "" || name.startsWith("#") || !/^\d{1,10}$/.test(uid)) continue;
    if (!names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}

/** -1 where it cannot be read: then no process is taken for one of the host. */
function namespace(procfs: string, name: string): number {
  try {
    return Number(statSync(join(procfs, "1/ns", name)).ino);
  } catch {
    return -1;
  }
}
