import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { Expected } from "./expected.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

/** So many events about processes in `intervalMs`, of each pod, and outside of pods of each cgroup. */
export type CgroupRate = { readonly events: number; readonly intervalMs: number };

/**
 * What `--cgroup-rate` says, written as upstream's flag: `1000,1s`, the interval in ms, s or m.
 * Undefined: something else; empty: no limit.
 */
export function parseCgroupRate(text: string): CgroupRate | "none" | undefined {
  if (text === "") return "none";
  const [, events, length, unit] = text.match(/^([1-9]\d{0,8}),([1-9]\d{0,5})(ms|s|m)$/) ?? [];
  if (events === undefined || length === undefined) return undefined;
  const unitMs = unit === "m" ? 60_000 : unit === "s" ? 1_000 : 1;
  return { events: Number(events), intervalMs: Number(length) * unitMs };
}

/** Puts `rate` in force, undefined: none, and gives what the map must have then. Throws KernelError. */
export function writeRate(
  native: Native,
  rateState: number,
  rate: CgroupRate | undefined,
): Expected {
  const events = BigInt(rate?.events ?? 0);
  const interval = BigInt(rate?.intervalMs ?? 0) * 1_000_000n;
  const value = bytesOf(layout.rate_state, { events, interval });
  const restore = () => native.update(rateState, u32(0), value);
  restore();
  const common = { kind: "state", what: "rate_state", map: rateState, count: 1 } as const;
  return { ...common, key: u32, value: () => value, restore };
}
