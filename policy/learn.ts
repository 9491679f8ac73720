import { isPrintable } from "./printable.ts";
import type { Result } from "./problem.ts";
import { parseInterval } from "./rollout.ts";
import { conform } from "./schema/conform.ts";
import type { ExecPolicySpec } from "./schema/exec-policy.ts";
import {
  execReportBounds,
  type NodeExecReport,
  nodeExecReport,
} from "./schema/node-exec-report.ts";

/** When a policy that learns counts as covered, beside that each replica was seen from its start. */
export type Learn = { readonly minDurationMs: number; readonly minRestarts: number };

/** Of a policy that its schema takes; undefined: it does not learn. */
export function learnOf({ learn }: Pick<ExecPolicySpec, "learn">): Learn | undefined {
  if (learn === undefined) return undefined;
  const minDurationMs = parseInterval(learn.minDuration ?? "24h");
  return {
    minDurationMs: typeof minDurationMs === "number" ? minDurationMs : Number.POSITIVE_INFINITY,
    minRestarts: learn.minRestarts ?? 0,
  };
}

/** What one node said; anybody with its rights may have written it. Never throws. */
export function parseExecReport(raw: object): Result<NodeExecReport> {
  const { policies = [] } = raw as { readonly policies?: unknown };
  const parsed = conform(nodeExecReport, { policies }, "report");
  // Objects as literals are: what a node has and what it says are compared.
  return parsed.ok ? { ok: true, value: structuredClone(parsed.value as NodeExecReport) } : parsed;
}

/** Whether a rule can name the file: a path from / on that people can read. */
export function isProposable(path: string): boolean {
  return (
    path.startsWith("/") &&
    Buffer.byteLength(path) <= execReportBounds.pathLength &&
    isPrintable(path) &&
    path === path.trim() &&
    !/\/(\.{0,2})\/|\/\.{0,2}$/.test(path)
  );
}
