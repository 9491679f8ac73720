import { createHash } from "node:crypto";
import type { Problem, Result } from "./problem.ts";

/** Every node's position is below it: a share of all nodes. */
export const wholeShare = 2 ** 31 - 1;

/**
 * Where a node stands in the roll-outs of a set: 31 bits of SHA-256 over both names. A node holds the
 * new content when its position is below the share, so that a wave is one write for any number of
 * nodes, and each set starts on another node.
 */
export function rolloutPosition(setName: string, node: string): number {
  const digest = createHash("sha256").update(`${setName}\n${node}`).digest();
  return digest.readUInt32BE(0) % wholeShare;
}

/** How many nodes have the new content in one wave: a count, or per cent of the policy's nodes. */
export type Wave =
  | { readonly kind: "nodes"; readonly count: number }
  | { readonly kind: "percent"; readonly percent: number };

/** How a change reaches nodes. */
export type RolloutPlan = {
  /** The last one is 100 %. One wave alone: all nodes at once. */
  readonly waves: readonly Wave[];
  /** From the start of a wave to the next, at least. */
  readonly intervalMs: number;
  /** Calls that the new version may stop, over all its nodes, before it goes no further. */
  readonly maxStops?: number;
};

/** What a policy asks for by its annotations. */
export type RolloutWish = RolloutPlan & {
  readonly order?: RolloutOrder;
  /** How long it is to stop nothing in monitor mode before it enforces. */
  readonly monitorFirstMs?: number;
};

/** What somebody asked of the roll-out under way. */
export type RolloutOrder = "pause" | "undo" | "force";

export const rolloutAnnotations = {
  waves: "guardbee.io/rollout-waves",
  interval: "guardbee.io/rollout-interval",
  maxStops: "guardbee.io/rollout-max-stops",
  order: "guardbee.io/rollout",
  monitorFirst: "guardbee.io/monitor-first",
} as const;

export const allAtOnce: RolloutPlan = { waves: [{ kind: "percent", percent: 100 }], intervalMs: 0 };

/** What a policy's annotations say of its roll-outs, over the cluster's default. */
export function parseRollout(
  annotations: Readonly<Record<string, string>> = {},
  byDefault: RolloutPlan = allAtOnce,
): Result<RolloutWish> {
  const problems: Problem[] = [];
  const read = <T>(key: string, parse: (text: string) => T | string): T | undefined => {
    const text = annotations[key];
    if (text === undefined) return undefined;
    const value = parse(text);
    if (typeof value !== "string") return value;
    const what = `is ${JSON.stringify(text)}`;
    problems.push({ field: `metadata.annotations[${key}]`, what, fix: value, kind: "invalid" });
    return undefined;
  };
  const waves = read(rolloutAnnotations.waves, parseWaves) ?? byDefault.waves;
  const intervalMs = read(rolloutAnnotations.interval, parseInterval) ?? byDefault.intervalMs;
  const maxStops = read(rolloutAnnotations.maxStops, parseCount) ?? byDefault.maxStops;
  const order = read(rolloutAnnotations.order, parseOrder)?.order;
  const monitorFirstMs = read(rolloutAnnotations.monitorFirst, parseInterval);
  if (problems.length > 0) return { ok: false, problems };
  const value = {
    ...{ waves, intervalMs },
    ...(maxStops === undefined ? {} : { maxStops }),
    ...(order === undefined ? {} : { order }),
    ...(monitorFirstMs === undefined ? {} : { monitorFirstMs }),
  };
  return { ok: true, value };
}

/** `1,10%,100%`; a string that says what is allowed when it is not that. */
export function parseWaves(text: string): readonly Wave[] | string {
  const allowed = 'write counts of nodes or percentages, growing, the last 100%: "1,10%,100%"';
  const waves: Wave[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    const [, digits, sign] = /^([1-9]\d{0,5})(%?)$/.exec(part) ?? [];
    const number = Number(digits);
    if (digits === undefined || (sign === "%" && number > 100)) return allowed;
    const last = waves.at(-1);
    const wave: Wave =
      sign === "%" ? { kind: "percent", percent: number } : { kind: "nodes", count: number };
    if (last?.kind === "percent" && (wave.kind === "nodes" || wave.percent <= last.percent)) {
      return allowed;
    }
    if (last?.kind === "nodes" && wave.kind === "nodes" && wave.count <= last.count) return allowed;
    waves.push(wave);
  }
  const last = waves.at(-1);
  return last?.kind === "percent" && last.percent === 100 ? waves : allowed;
}

/** `30s`, `5m`, `2h`, in ms; a string that says what is allowed when it is not that. */
export function parseInterval(text: string): number | string {
  const [, digits, unit] = /^(\d{1,6})([smh])$/.exec(text.trim()) ?? [];
  if (digits === undefined) return 'write a number and s, m or h: "5m"';
  return Number(digits) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as "s" | "m" | "h"];
}

function parseCount(text: string): number | string {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text) : "write a number of calls: 100";
}

function parseOrder(text: string): { readonly order: RolloutOrder } | string {
  if (text === "pause" || text === "undo" || text === "force") return { order: text };
  return "write pause, undo or force, or remove it";
}
