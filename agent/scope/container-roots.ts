import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** How many cgroups of a container, and of each how many processes, are looked at. */
const [mostCgroups, mostProcesses] = [64, 64];
/** A process may make another folder its root; the first few are looked into. */
const mostRoots = 4;

/**
 * Root folders (`/proc/PID/root`) of the processes in a container's cgroup and below, one for each that
 * is another; none while its runtime has not yet given it one that is not the node's.
 */
export async function containerRoots(cgroup: string, procfs: string): Promise<readonly string[]> {
  const own = await identityOf(join(procfs, "1/root"));
  const roots = new Map<string, string>();
  for (const pid of await processesIn(cgroup)) {
    const root = join(procfs, pid, "root");
    const identity = await identityOf(root);
    if (identity !== undefined && identity !== own && !roots.has(identity))
      roots.set(identity, root);
    if (roots.size === mostRoots) break;
  }
  return [...roots.values()];
}

async function processesIn(cgroup: string): Promise<readonly string[]> {
  const pids: string[] = [];
  const waiting = [cgroup];
  for (let seen = 0; seen < mostCgroups && waiting.length > 0; seen++) {
    const folder = waiting.shift()!;
    const here = await orGone(readFile(join(folder, "cgroup.procs"), "utf8"), "");
    pids.push(...here.split("\n", mostProcesses).filter((pid) => pid !== "" && pid !== "0"));
    const below = await orGone(readdir(folder, { withFileTypes: true }), []);
    waiting.push(...below.filter((one) => one.isDirectory()).map(({ name }) => join(folder, name)));
  }
  return pids;
}

/** Equal for the same folder; undefined: the process is gone. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await orGone(stat(path, { bigint: true }), undefined);
  return found && `${found.dev} ${found.ino}`;
}

/** Processes and cgroups end at any moment. */
async function orGone<T, U>(reading: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await reading;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (
      code !== undefined &&
      ["ENOENT", "ENODEV", "ENOTDIR", "ESRCH", "EOPNOTSUPP"].includes(code)
    ) {
      return otherwise;
    }
    throw error;
  }
}
