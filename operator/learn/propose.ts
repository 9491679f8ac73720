import {
  type ExecPolicySpec,
  type ExecProposal,
  execProposalBounds,
  inSteps,
  isNamed,
  isProposable,
  oneLine,
  type ProposedExecutable,
} from "@guardbee/policy";
import { type CoverageInput, coverageOf, coveredCondition } from "./coverage.ts";
import { byRank, type Gathered } from "./gathered.ts";

export type ProposeInput = CoverageInput & {
  readonly rules: ExecPolicySpec["rules"];
  /** What nodes report now. */
  readonly gathered: Gathered;
};

/** What is proposed now, and when that changes though nobody reports. */
export type Proposed = { readonly content: ExecProposal; readonly dueInMs: number };

/** Of all texts of a proposal together: an object has 1.5 MiB. */
const mostBytes = 512 << 10;

/**
 * What of the executables that ran no rule names yet. Pure. What was proposed and no node reports any
 * more (it went, with its pods) stays as long as there is room.
 */
export function propose(input: ProposeInput): Proposed {
  const { gathered, before, rules } = input;
  const now = byRank(gathered.executables).map(
    ([path, { parents, workloads, nodes, count, denied, fromImage }]): ProposedExecutable => ({
      path,
      ...(fromImage === undefined ? {} : { fromImage }),
      ...(parents.size === 0 ? {} : { parents: [...parents].sort().map(oneLine) }),
      workloads: [...workloads].sort().map(oneLine),
      nodes: inSteps(nodes),
      count: inSteps(count),
      ...(denied ? { denied } : {}),
    }),
  );
  const gone = (before?.executables ?? [])
    .filter(({ path }) => !gathered.executables.has(path))
    .map((executable) => ({ ...executable, nodes: 0 }));
  const wanted = [...now, ...gone].filter(
    (executable) => isProposable(executable.path) && !isNamed(rules, executable),
  );
  const { listed, left } = fitting(wanted);
  const omitted = inSteps(gathered.omitted + left);
  const coverage = coverageOf(gathered);
  const { condition, dueInMs } = coveredCondition(input, coverage);
  const content: ExecProposal = {
    executables: listed.sort((a, b) => (a.path < b.path ? -1 : 1)),
    ...(omitted === 0 ? {} : { omitted }),
    coverage,
    status: { conditions: [condition] },
  };
  return { content, dueInMs };
}

/** The first for which there is room, and how often others ran. */
function fitting(wanted: readonly ProposedExecutable[]) {
  const listed: ProposedExecutable[] = [];
  let bytes = 0;
  let left = 0;
  for (const one of wanted) {
    const its = Buffer.byteLength(JSON.stringify(one));
    if (listed.length >= execProposalBounds.executables || bytes + its > mostBytes) {
      left += Math.max(one.count, 1);
      continue;
    }
    bytes += its;
    listed.push(one);
  }
  return { listed, left };
}
