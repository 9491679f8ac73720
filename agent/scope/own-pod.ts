import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { parsePodFolder } from "./cgroup-names.ts";

/**
 * The uid of the pod that this process runs in, which no policy is to hold for: POD_UID (set it from
 * `metadata.uid`), else the pod in the path of its own cgroup; undefined outside of a pod. In a
 * cgroup namespace of its own a process does not see that path, so a manifest must set POD_UID.
 */
export async function findOwnPodUid(
  env: Readonly<Record<string, string | undefined>>,
  procRoot: string,
): Promise<string | undefined> {
  if (env.POD_UID) return env.POD_UID;
  try {
    return podUidIn(await readFile(join(procRoot, "self/cgroup"), "utf8"));
  } catch {
    return undefined; // no such file, no such path: nothing says that this is a pod
  }
}

/** The pod uid in the content of a `/proc/<pid>/cgroup`, or undefined. */
export function podUidIn(cgroupFile: string): string | undefined {
  const path = /^0::(.*)$/m.exec(cgroupFile)?.[1] ?? "";
  const uids = path.split("/").map(parsePodFolder);
  return uids.find((uid) => uid !== undefined);
}
