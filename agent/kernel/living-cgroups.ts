import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Inode numbers of all cgroups in and below a folder of the cgroup v2 tree. Those that go meanwhile may lack. */
export function livingCgroups(folder: string): ReadonlySet<bigint> {
  const ids = new Set<bigint>();
  const folders = [folder];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    try {
      ids.add(statSync(path, { bigint: true }).ino);
      const inside = readdirSync(path, { withFileTypes: true });
      for (const one of inside) if (one.isDirectory()) folders.push(join(path, one.name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENODEV") throw error;
    }
  }
  return ids;
}
