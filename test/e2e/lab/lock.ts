import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { processStartTime } from "./process-start-time.ts";
import { waitFor } from "./progress.ts";

/** How long a caller waits for another one: a first build and a start take this at the most. */
const patienceMs = 3_600_000;

/**
 * Runs `work` while no other process is in a `withLock` of the same `path`. A lock whose holder
 * died is taken over. Not for use inside itself.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const detail = (): string => `${path} is held by process ${holder(path) ?? "unknown"}`;
  const take = async (): Promise<true | undefined> => (tryLock(path) ? true : undefined);
  await waitFor("the lab to be free", take, { timeoutMs: patienceMs, detail });
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** A link appears with its content or not at all, so nobody reads half a lock. */
function tryLock(path: string): boolean {
  if (existsSync(path) && holder(path) === undefined) rmSync(path, { force: true });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${processStartTime(process.pid)}`);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own);
  }
}

/** The process that holds the lock at `path`, if it lives. */
function holder(path: string): number | undefined {
  try {
    const [pid, startedAt] = readFileSync(path, "utf8").split(" ");
    return processStartTime(Number(pid)) === startedAt ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}
