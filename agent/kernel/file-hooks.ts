import { closeSync } from "node:fs";
import { join } from "node:path";
import type { AttachPoint } from "../compile/plan.ts";
import type { FileRoot, UnhookedFile } from "../engine.ts";
import type { KernelError, Link, Native } from "./native.ts";
import type { FoundPlace, NoPlace, ProgramFiles } from "./program-files.ts";

/** What is attached: its links by the names of their pins. */
export type Links = Map<string, Link>;

/** A pinned program of which the hooks are in a file, and where it is to be attached. */
export type FileHook = {
  readonly native: Native;
  readonly files: ProgramFiles;
  /** Folder of the pins. */
  readonly folder: string;
  readonly point: AttachPoint;
  /** Some of its sets hold on the node, and not in containers alone. */
  readonly onNode: boolean;
};

/**
 * Attached to the node's file: until the program goes, for there are processes that have the file of
 * before. Attached to one that containers have: until none has it any more.
 */
const [ofNode, ofContainer] = ["node-", "pod-"] as const;

/** Whether a pin of a program's folder is a link. */
export function isLinkPin(name: string): boolean {
  return name === "link" || name.startsWith(ofNode) || name.startsWith(ofContainer);
}

/**
 * Attaches the program where files have its place now, and lets go of files that no container has any
 * more. What could not be attached is said; `mustHaveNode`: throws it of the node's file.
 */
export function hookFiles(
  hook: FileHook,
  links: Links,
  { mustHaveNode }: { readonly mustHaveNode: boolean },
): readonly UnhookedFile[] {
  const wanted = new Set<string>();
  const unhooked = hook.onNode ? hookNode(hook, links, { mustHaveNode, wanted }) : [];
  const inContainers = hook.files.containers.flatMap((root) =>
    hookContainer(hook, links, { root, wanted }),
  );
  for (const [name, link] of links) {
    if (!name.startsWith(ofContainer) || wanted.has(name.slice(ofContainer.length))) continue;
    link.detach();
    links.delete(name);
  }
  return [...unhooked, ...inContainers];
}

type Wanted = { readonly wanted: Set<string> };

function hookNode(
  { files, ...hook }: FileHook,
  links: Links,
  { mustHaveNode, wanted }: Wanted & { readonly mustHaveNode: boolean },
): readonly UnhookedFile[] {
  const found = files.onNode(hook.point.file!);
  try {
    attach(hook, links, { found, wanted, prefix: ofNode });
    return [];
  } catch (error) {
    if (mustHaveNode) throw error;
    const { message } = error as KernelError;
    return namesOf(hook.point).map((set) => ({ cgroup: 0n, set, message }));
  }
}

function hookContainer(
  { files, ...hook }: FileHook,
  links: Links,
  { root, wanted }: Wanted & { readonly root: FileRoot },
): readonly UnhookedFile[] {
  const names = namesOf(hook.point).filter((name) => root.sets.includes(name));
  if (names.length === 0) return [];
  const found = files.inContainer(hook.point.file!, root);
  if ("reason" in found && found.isAbsent) return []; // it cannot run what it has not
  try {
    attach(hook, links, { found, wanted, prefix: ofContainer });
    return [];
  } catch (error) {
    const { message } = error as KernelError;
    return names.map((set) => ({ cgroup: root.cgroup, set, message }));
  }
}

type Attached = Wanted & {
  readonly found: FoundPlace | NoPlace;
  readonly prefix: typeof ofNode | typeof ofContainer;
};

/** Throws KernelError, or that there is no such place. */
function attach(
  { native, folder, point }: Omit<FileHook, "files">,
  links: Links,
  { found, wanted, prefix }: Attached,
): void {
  if ("reason" in found) throw new Error(found.message);
  const { fd, key, offsets } = found;
  const { refCtrOffset } = point.file!;
  try {
    wanted.add(key);
    if (links.has(ofNode + key) || links.has(ofContainer + key)) return;
    const link = native.attachUprobe(join(folder, "program"), {
      // The file that was looked into, whatever has its name by now.
      path: `/proc/self/fd/${fd}`,
      offsets,
      ...(refCtrOffset === undefined ? {} : { refCtrOffset }),
    });
    link.pin(join(folder, prefix + key));
    links.set(prefix + key, link);
  } finally {
    closeSync(fd);
  }
}

function namesOf({ hooks }: AttachPoint): readonly string[] {
  return [...new Set(hooks.map(({ set }) => set.name))];
}
