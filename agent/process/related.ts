import { enums } from "../gen/layout.ts";
import type { ExecRecord } from "../records/kernel-record.ts";
import type { Image } from "./image.ts";
import type { Process } from "./process.ts";

/**
 * Whether what runs under that pid is the process that execs. Where it is not, its exit was lost, and so
 * was the clone of the one that does.
 */
export function isBefore(
  running: Process,
  event: ExecRecord,
  parent: Process | undefined,
): boolean {
  if (running.key.ktime > event.process.ktime) return false;
  if ((event.flags & enums.exec_flag.EXEC_CLONED) === 0) return parent === running;
  return parent === running.parent && running.parentKey.pid === event.parent.pid;
}

/** Of who is started by `parent`. */
export function ancestorsOf(parent: Process | undefined): readonly Process[] {
  const grandparent = parent?.parent;
  if (parent === undefined || grandparent === undefined || parent.key.pid <= 2) return nobody;
  return [grandparent, ...parent.ancestors.slice(0, ancestorsMax - 1)];
}

export const nobody: readonly Process[] = [];
/** A process that execs itself for ever has as many as it likes. */
const ancestorsMax = 64;

/**
 * The container of `from`, where `image`, which came of it, is in the same. Outside of a container's
 * cgroup only the cgroup tells.
 */
export function containerLike(image: Image, from: Process): Process["container"] {
  const { docker, cgroupId } = image;
  const same = docker === from.image.docker && (docker !== "" || cgroupId === from.image.cgroupId);
  return same ? from.container : undefined;
}
