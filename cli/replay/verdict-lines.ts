import type { Replayed, Verdict } from "@guardbee/policy/replay";
import { formatCompact } from "../compact.ts";
import { eventLineOf } from "../event-line.ts";
import { type Piece, paint, render, type Styled } from "../paint.ts";

/** What comes of a line, and the JSON that was in it. */
export type ReplayedLine = Replayed & { readonly raw: object };

/** A line of JSON for each verdict: who, what, and what would have been done. */
export function jsonVerdicts({ raw, verdicts, live }: ReplayedLine): readonly string[] {
  const line = eventLineOf(raw);
  if (line === undefined) return [];
  const { kind, event, nodeName, time } = line;
  const process = event.get("process");
  const pod = process.get("pod");
  const texts = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ""));
  return verdicts.map(({ policy, ...verdict }) =>
    JSON.stringify({
      ...texts({ time, node_name: nodeName, event: kind, exec_id: process.text("exec_id") }),
      ...texts({ namespace: pod.text("namespace"), pod: pod.text("name") }),
      ...texts({ binary: process.text("binary"), arguments: process.text("arguments") }),
      policy,
      ...verdict,
      ...(live && { live }),
    }),
  );
}

/** The compact form of the event, with a verdict at the end of each. */
export function compactVerdicts(
  { raw, verdicts }: ReplayedLine,
  color: "colored" | "plain",
): readonly Styled[] {
  const line = eventLineOf(raw);
  const compact = line && formatCompact(line, { color, timestamps: false, stackTraces: false });
  if (compact === undefined) return [];
  return verdicts.map((verdict) => {
    const end = render([[" ⇒ ", ...piecesOf(verdict)]], color);
    return `${compact}${end}` as Styled;
  });
}

function piecesOf({ kind, policy, action, why }: Verdict): readonly (Piece | string)[] {
  const name = `${policy.name}: `;
  if (kind === "untold") return [name, paint.yellow(`cannot be told: ${why}`)];
  const words = { stopped: "stopped", would_stop: "would be stopped", reported: "reported" };
  const word = kind === "silent" ? "no event" : words[kind];
  const brush = kind === "stopped" || kind === "would_stop" ? paint.red : paint.green;
  return [name, brush(`${word} (${(action ?? "").replace("KPROBE_ACTION_", "")})`)];
}
