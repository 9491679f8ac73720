import { readFileSync } from "node:fs";

/** Turns the kernel's boot-time ns (CLOCK_BOOTTIME) into wall-clock ns since 1970. */
export type BootClock = {
  toWallNs(bootNs: bigint): bigint;
  /** Follows the wall clock when it was set. To be called about once a second. */
  refresh(): void;
};

/** What `createBootClock` reads; for tests. */
export type BootClockSources = {
  readonly wallMs: () => number;
  /** CLOCK_MONOTONIC. */
  readonly monotonicNs: () => bigint;
  /** Text of /proc/uptime: CLOCK_BOOTTIME in seconds with two decimals. */
  readonly uptime: () => string;
};

/**
 * Exact to about a microsecond at the start; afterwards the offset is left alone until the wall
 * clock is off by more than 50 ms, so that one event's stamps do not jitter.
 */
export function createBootClock(sources: BootClockSources = systemSources): BootClock {
  let offsetNs = measure(sources);
  return {
    toWallNs: (bootNs) => bootNs + offsetNs,
    refresh() {
      const measured = measureOnce(sources);
      const off = measured - offsetNs;
      if (off > toleratedNs || off < -toleratedNs) offsetNs = measure(sources);
    },
  };
}

const msNs = 1_000_000n;
const toleratedNs = 50n * msNs;

const systemSources: BootClockSources = {
  wallMs: () => Date.now(),
  monotonicNs: () => process.hrtime.bigint(),
  uptime: () => readFileSync("/proc/uptime", "utf8"),
};

/** Waits for the next tick of the millisecond clock (at most 2 ms): right then it is exact. */
function measure(sources: BootClockSources): bigint {
  const startMs = sources.wallMs();
  const limitNs = sources.monotonicNs() + 2n * msNs;
  while (sources.wallMs() === startMs && sources.monotonicNs() < limitNs) {}
  return measureOnce(sources);
}

function measureOnce(sources: BootClockSources): bigint {
  const monotonicNs = sources.monotonicNs();
  return BigInt(sources.wallMs()) * msNs - monotonicNs - suspendedNs(sources, monotonicNs);
}

/** CLOCK_BOOTTIME - CLOCK_MONOTONIC: time asleep. Known to 10 ms only, so less than 1 s is none. */
function suspendedNs(sources: BootClockSources, monotonicNs: bigint): bigint {
  const uptimeMs = Math.round(Number.parseFloat(sources.uptime()) * 1000);
  if (Number.isNaN(uptimeMs)) return 0n;
  const asleepNs = BigInt(uptimeMs) * msNs - monotonicNs;
  return asleepNs > 1000n * msNs ? asleepNs : 0n;
}
