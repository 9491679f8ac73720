import { closeSync } from "node:fs";
import { join } from "node:path";
import { writtenArgs } from "@guardbee/policy/sets";
import type { AttachPoint } from "../compile/plan.ts";
import type { FileRoot, UnhookedFile } from "../engine.ts";
import { isHashPin } from "./hash-programs.ts";
import type { KernelError, Link, Native, UprobeTarget } from "./native.ts";
import { rememberProbe } from "./probe-specs.ts";
import {
  type FoundPlace,
  type NoPlace,
  type PlaceInFile,
  type ProgramFiles,
  whyNotRead,
  whyNotWritten,
} from "./program-files.ts";

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
  if (name === "link" || isHashPin(name)) return true;
  return name.startsWith(ofNode) || name.startsWith(ofContainer);
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
    if (!name.startsWith(ofContainer) || wanted.has(name.slice(ofContainer.length).split("-")[0]!))
      continue;
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
  const args = hook.point.hooks.flatMap((one) => one.hook.args);
  const written = hook.point.hooks.flatMap((one) => writtenArgs(one.hook));
  const lacking =
    "reason" in found ? undefined : (whyNotRead(found, args) ?? whyNotWritten(found, written));
  try {
    attach(hook, links, { found, wanted, prefix: ofContainer });
    if (lacking === undefined) return [];
    return names.map((set) => ({ cgroup: root.cgroup, set, message: `of its file, ${lacking}` }));
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
  { native, folder }: Pick<FileHook, "native" | "folder">,
  links: Links,
  { found, wanted, prefix }: Attached,
): void {
  if ("reason" in found) throw new Error(found.message);
  const { fd, key, places } = found;
  try {
    wanted.add(key);
    if (links.has(ofNode + key) || links.has(ofContainer + key)) return;
    const targets = places.map((place) => targetOf({ native, folder }, place));
    const together = native.takesManyUprobes() ? [targets] : targets.map((one) => [one]);
    // The one of the key's own name comes last: with it, all are there.
    for (const [i, some] of [...together.entries()].reverse()) {
      // The file that was looked into, whatever has its name by now.
      const target = { path: `/proc/self/fd/${fd}`, places: some };
      const link = native.attachUprobe(join(folder, "program"), target);
      const name = `${prefix}${key}${i === 0 ? "" : `-${i}`}`;
      link.pin(join(folder, name));
      links.set(name, link);
    }
  } finally {
    closeSync(fd);
  }
}

/** Where to attach; the program finds where a probe has its arguments by the cookie. */
function targetOf(
  { native, folder }: Pick<FileHook, "native" | "folder">,
  { offset, refCtrOffset, args }: PlaceInFile,
): UprobeTarget["places"][number] {
  const counter = refCtrOffset === undefined ? {} : { refCtrOffset };
  if (args === undefined) return { offset, ...counter };
  const specs = native.openPinnedMap(join(folder, "usdt_specs"));
  try {
    return { offset, ...counter, cookie: rememberProbe(native, specs, args) };
  } finally {
    native.closeFd(specs);
  }
}

function namesOf({ hooks }: AttachPoint): readonly string[] {
  return [...new Set(hooks.map(({ set }) => set.name))];
}
