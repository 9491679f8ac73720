import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@guardbee/kube";
import { EventRates } from "../kernel/event-rates.ts";
import type { Native } from "../kernel/native.ts";
import type { CgroupRate } from "../kernel/rate.ts";
import { Throttles } from "./throttles.ts";

/** What tells of cgroups whose events `rate` holds back, which `map` counts; undefined: no rate, nothing to tell. */
export function openThrottles({
  native,
  map,
  rate,
  cgroupRoot,
  clock,
}: {
  readonly native: Native;
  readonly map: number;
  readonly rate: CgroupRate | undefined;
  readonly cgroupRoot: string;
  readonly clock: Clock;
}): Throttles | undefined {
  if (rate === undefined) return undefined;
  const rates = new EventRates(native, map, rate);
  return new Throttles({
    ...{ readOver: () => rates.readOver(), intervalMs: rate.intervalMs },
    nameOf: (id) => cgroupName(cgroupRoot, id),
    monotonic: () => clock.monotonic(),
    now: () => clock.now(),
  });
}

/** Pods are near the root; what makes cgroups by the thousand is not looked for to the end. */
const mostFolders = 20_000;

/** The name of the folder of that inode number, which is a cgroup's id, below `root`; undefined: it is not there. */
export function cgroupName(root: string, id: bigint): string | undefined {
  const folders = [root];
  for (let at = 0; at < folders.length && at < mostFolders; at++) {
    try {
      const inside = readdirSync(folders[at]!, { withFileTypes: true });
      for (const { name } of inside.filter((one) => one.isDirectory())) {
        const path = join(folders[at]!, name);
        if (statSync(path, { bigint: true }).ino === id) return name;
        folders.push(path);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENODEV") throw error; // it went meanwhile
    }
  }
  return undefined;
}
