import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import {
  isPodRoot,
  isQosFolder,
  parseContainerFolder,
  parsePodFolder,
  podFolderCandidates,
} from "./cgroup-names.ts";
import type { RuntimeContainer, RuntimeContainers } from "./runtime-containers.ts";

/** The part of a cgroup v2 hierarchy that belongs to pods, as seen once. */
export type CgroupTree = {
  /** `kubepods`: where kubelet makes pod folders, and folders of QoS classes with pod folders. */
  readonly roots: readonly PodRoot[];
  readonly pods: readonly PodCgroup[];
};

/** `id` is the inode number of the folder, which the kernel never gives to another cgroup. */
export type Cgroup = { readonly id: bigint; readonly path: string };

export type PodRoot = Cgroup & {
  /** How deep it is below the root of all cgroups; absent where that is not to be seen. */
  readonly level?: number;
  /** Its folders of QoS classes. */
  readonly qosFolders: readonly bigint[];
};

export type PodCgroup = Cgroup & {
  /** As kubelet names the folder; for a static pod this is not the uid of its mirror pod. */
  readonly uid: string;
  readonly containers: readonly ContainerCgroup[];
  /** Cgroups below the pod that are no container's. */
  readonly others: readonly bigint[];
};

export type ContainerCgroup = Cgroup & {
  /** Without the runtime's prefix: 64 hex digits. The sandbox (pause) is one too. */
  readonly containerId: string;
  /** Cgroups that the container made inside its own, at any depth. */
  readonly nested: readonly bigint[];
  /** What its runtime says of it, where that is of this pod. */
  readonly runtime?: RuntimeContainer;
};

/** What runtimes say of their containers. */
export type FindContainer = Pick<RuntimeContainers, "find">;

/** `/sys/fs/cgroup/kubelet.slice/kubelet-kubepods.slice` is two below; one more for a nested kubelet. */
const ROOT_DEPTH_MAX = 4;

/** The inode number of the root of all cgroups. */
const TOP_ID = 1n;

/**
 * Cgroups looked at inside the containers of one pod. A pod with more makes them on purpose: it is in
 * the scope of the same policies in each, and events from those beyond do not say which pod it is.
 */
const POD_CGROUPS_MAX = 4096;

/** Everything kubelet made below `cgroupRoot`. Folders that vanish meanwhile are left out. */
export async function readCgroupTree(
  cgroupRoot: string,
  runtime?: FindContainer,
): Promise<CgroupTree> {
  const roots = await podRoots(cgroupRoot);
  const folders = await Promise.all(roots.map(podFoldersIn));
  const pods = await Promise.all(folders.flat().map((path) => readPodCgroup(path, runtime)));
  return { roots, pods: pods.filter(isPresent) };
}

/**
 * The kubepods folders below `cgroupRoot`. A folder named like one
 * inside another is not one: a container may make any name below its own cgroup.
 */
export async function podRoots(cgroupRoot: string): Promise<readonly PodRoot[]> {
  const isTop = (await readCgroup(cgroupRoot))?.id === TOP_ID;
  const found: PodRoot[] = [];
  let level = [cgroupRoot];
  for (let depth = 0; depth < ROOT_DEPTH_MAX && level.length > 0; depth += 1) {
    const children = (await Promise.all(level.map(childFolders))).flat();
    for (const path of children.filter((child) => isPodRoot(basename(child)))) {
      const root = await readCgroup(path);
      if (root === undefined) continue;
      const qos = await Promise.all((await qosFoldersIn(path)).map(readCgroup));
      const qosFolders = qos.filter(isPresent).map(({ id }) => id);
      found.push({ ...root, ...(isTop ? { level: depth + 1 } : {}), qosFolders });
    }
    level = children.filter((child) => !mayHoldProcessesOnly(basename(child)));
  }
  return found;
}

/** The folder of pod `uid` and what is in it, or undefined while kubelet has not made it. */
export async function findPodCgroup(
  roots: readonly PodRoot[],
  uid: string,
  runtime?: FindContainer,
): Promise<PodCgroup | undefined> {
  for (const root of roots) {
    for (const candidate of podFolderCandidates(basename(root.path), uid)) {
      const pod = await readPodCgroup(join(root.path, candidate), runtime);
      if (pod !== undefined) return pod;
    }
  }
  return undefined;
}

/** Services and containers of other managers end here, and so does each pod root (already read). */
function mayHoldProcessesOnly(name: string): boolean {
  return /\.(service|scope|mount|socket|swap)$/.test(name) || isPodRoot(name);
}

async function qosFoldersIn(root: string): Promise<readonly string[]> {
  const children = await childFolders(root);
  return children.filter((child) => isQosFolder(basename(root), basename(child))).sort();
}

async function podFoldersIn({ path }: PodRoot): Promise<readonly string[]> {
  const children = await childFolders(path);
  const inside = await Promise.all((await qosFoldersIn(path)).map(childFolders));
  return [...children, ...inside.flat()].filter(
    (child) => parsePodFolder(basename(child)) !== undefined,
  );
}

async function readPodCgroup(
  path: string,
  runtime?: FindContainer,
): Promise<PodCgroup | undefined> {
  const uid = parsePodFolder(basename(path));
  const self = await readCgroup(path);
  if (uid === undefined || self === undefined) return undefined;
  const containers: ContainerCgroup[] = [];
  const others: bigint[] = [];
  const budget = { left: POD_CGROUPS_MAX };
  const saidOf = async (id: string, podUid: string) => {
    const said = await runtime?.find(id);
    return said?.podUid === podUid ? { runtime: said } : {};
  };
  for (const child of await childFolders(path)) {
    const cgroup = await readCgroup(child);
    if (cgroup === undefined) continue;
    const containerId = parseContainerFolder(basename(child));
    const nested = await descendants(child, budget);
    if (containerId === undefined) others.push(cgroup.id, ...nested);
    else containers.push({ ...cgroup, containerId, nested, ...(await saidOf(containerId, uid)) });
  }
  return { ...self, uid, containers, others };
}

async function descendants(path: string, budget: { left: number }): Promise<readonly bigint[]> {
  const ids: bigint[] = [];
  const waiting = await childFolders(path);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (budget.left === 0) break;
    budget.left -= 1;
    const cgroup = await readCgroup(next);
    if (cgroup === undefined) continue;
    ids.push(cgroup.id);
    waiting.push(...(await childFolders(next)));
  }
  return ids;
}

async function childFolders(path: string): Promise<string[]> {
  const entries = await unlessGone<Dirent[]>(readdir(path, { withFileTypes: true }));
  return (entries ?? [])
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .sort();
}

async function readCgroup(path: string): Promise<Cgroup | undefined> {
  const found = await unlessGone(stat(path, { bigint: true }));
  return found?.isDirectory() ? { id: found.ino, path } : undefined;
}

/** undefined when the folder is gone: cgroups die at any moment, also between two calls. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENODEV" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}
