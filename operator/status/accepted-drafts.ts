import { accepted, type ConditionDraft, resolved } from "./conditions.ts";
import { cut, maxSummaryBytes } from "./cut.ts";
import { failureGroups } from "./failure-groups.ts";
import { lateOn } from "./late-pods.ts";
import { type Count, named } from "./node-count.ts";
import type { NodeState } from "./node-state.ts";
import type { ShownJudgement } from "./shown-judgement.ts";
import { type ProgrammedDraft, rollingOutDraft, type Stages, triedDrafts } from "./stages.ts";
import { tamperedOn } from "./tampered-nodes.ts";
import { unseenOn } from "./unseen-entry.ts";

type ShownAccepted = Extract<ShownJudgement, { kind: "accepted" }>;

/** What is said of a policy that is accepted and distributed, from what its nodes report. */
export function acceptedDrafts(
  judged: ShownAccepted,
  count: Count,
  nodes: readonly NodeState[],
  { rollout, trial, maxStops }: Stages,
): ConditionDraft[] {
  const found =
    rollout === undefined
      ? programmedDraft(count, nodes)
      : rollingOutDraft(rollout, count, nodes, maxStops);
  const beside = [unseenOn(judged.sets ?? [], nodes), tamperedOn(nodes), lateOn(nodes)];
  const said = [found.message, ...beside.filter((one) => one !== undefined)];
  const programmed = { ...found, message: said.join("; ") };
  const drafts: ConditionDraft[] = [
    accepted,
    resolved,
    programmed,
    enforcingDraft(judged, programmed),
    { ...programmed, type: "Ready" },
  ];
  if (trial !== undefined && programmed.status === "True") return triedDrafts(drafts, trial);
  const { message } = found;
  if (programmed.reason === "RollingOut" || programmed.reason === "RolloutPaused") {
    drafts.push({ type: "Reconciling", status: "True", reason: programmed.reason, message });
  } else if (programmed.reason === "RolloutHalted" || programmed.reason === "RolloutUndone") {
    drafts.push({ type: "Stalled", status: "True", reason: programmed.reason, message });
  } else if (count.pending > 0) {
    const waiting = pendingMessage(count, nodes);
    drafts.push({ type: "Reconciling", status: "True", reason: "Pending", message: waiting });
  } else if (count.failed > 0) {
    drafts.push({ type: "Stalled", status: "True", reason: "NodesFailed", message });
  }
  return drafts;
}

function programmedDraft(count: Count, nodes: readonly NodeState[]): ProgrammedDraft {
  const type = "Programmed";
  const of = `${count.programmed} of ${count.desired} nodes`;
  if (count.failed > 0) {
    const [first] = failureGroups(nodes);
    const message = cut(
      `${count.failed} of ${count.desired} nodes cannot hold it (${named(nodes, "failed")}): ` +
        `${first?.reason}: ${first?.message}`,
      maxSummaryBytes,
    );
    return { type, status: "False", reason: "NodesFailed", message };
  }
  if (count.pending > 0) {
    return { type, status: "Unknown", reason: "Pending", message: pendingMessage(count, nodes) };
  }
  if (count.desired === 0) {
    const message = "no node matches its nodeSelector, so it is in force nowhere";
    return { type, status: "True", reason: "NoNodes", message };
  }
  if (count.unreachable === 0) {
    return { type, status: "True", reason: "Programmed", message: `in force on ${of}` };
  }
  const lost = `unreachable: ${named(nodes, "unreachable")}`;
  return count.programmed === 0
    ? { type, status: "Unknown", reason: "NodesUnreachable", message: `in force on ${of}; ${lost}` }
    : { type, status: "True", reason: "Programmed", message: `in force on ${of}; ${lost}` };
}

function enforcingDraft(judged: ShownAccepted, programmed: ProgrammedDraft): ConditionDraft {
  const type = "Enforcing";
  if (judged.mode === "monitor") {
    const message = "monitor mode: it reports what it would stop";
    return { type, status: "False", reason: "MonitorMode", message };
  }
  if (!judged.enforces) {
    const message = "it has no action that stops anything";
    return { type, status: "False", reason: "ReportsOnly", message };
  }
  const { message } = programmed;
  switch (programmed.reason) {
    case "Programmed":
      return { type, status: "True", reason: "Enforcing", message };
    case "NoNodes":
    case "NodesFailed":
    case "RolloutHalted":
    case "RolloutUndone":
      return { type, status: "False", reason: programmed.reason, message };
    case "Pending":
    case "RollingOut":
    case "RolloutPaused":
    case "NodesUnreachable":
      return { type, status: "Unknown", reason: programmed.reason, message };
  }
}

function pendingMessage(count: Count, nodes: readonly NodeState[]): string {
  return `${count.pending} of ${count.desired} nodes have yet to report: ${named(nodes, "pending")}`;
}
