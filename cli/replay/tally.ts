import type { NamedSet } from "@guardbee/policy";
import type { Replayed, Verdict, VerdictKind } from "@guardbee/policy/replay";
import { formatTable, section } from "../cluster/table.ts";

type Row = { readonly verdict: Verdict; count: number };

/** Counts what comes of recorded events. */
export class Tally {
  readonly sets: readonly NamedSet[];
  /** Written by `take`, as all that follows. */
  events = 0;
  others = 0;
  readonly rows = new Map<string, Row>();
  readonly live = { same: 0, other: 0, untold: 0 };

  constructor(sets: readonly NamedSet[]) {
    this.sets = sets;
  }

  take({ is, verdicts, live }: Replayed): void {
    this.events++;
    if (is !== "judged") this.others++;
    if (live !== undefined) this.live[live]++;
    for (const verdict of verdicts) {
      if (verdict.again) continue; // the exec has an event of its own
      const { policy, kind, hook, selector, why } = verdict;
      const key = JSON.stringify([policy, hook, selector, kind, why]);
      const row = this.rows.get(key);
      if (row === undefined) this.rows.set(key, { verdict, count: 1 });
      else row.count++;
    }
  }
}

const outcomes = {
  stopped: "stopped",
  would_stop: "would be stopped",
  reported: "reported",
  silent: "no event",
  untold: "cannot be told",
} as const satisfies Readonly<Record<VerdictKind, string>>;

/** For people: what would have been done how often, what cannot be told and why. */
export function formatSummary(tally: Tally, columns: number | undefined): string {
  const { events, others, live } = tally;
  const rows = [...tally.rows.values()].sort((a, b) => keyOf(a).localeCompare(keyOf(b), "en"));
  const told = rows.filter(({ verdict }) => verdict.kind !== "untold");
  const untold = rows.filter(({ verdict }) => verdict.kind === "untold");
  const head = `${count(events, "event")}, ${events - others} of what the policies are asked about\n`;
  const table = [
    ["POLICY", "HOOK", "ON", "SELECTOR", "ACTION", "OUTCOME", "EVENTS"],
    ...told.map(({ verdict, count }) => [
      ...[nameOf(verdict), verdict.hook, verdict.on, verdict.selector ?? "-"],
      ...[(verdict.action ?? "").replace("KPROBE_ACTION_", ""), outcomes[verdict.kind], count],
    ]),
  ] as const;
  const reasons = untold.map(({ verdict, count }) => [
    ...[nameOf(verdict), verdict.hook, verdict.on, verdict.why ?? "", count],
  ]);
  const recorded = live.same + live.other + live.untold;
  const asLive = `\nOf ${count(recorded, "event")} that these policies recorded, ${live.same} would be recorded as they were, ${live.other} would not, and of ${live.untold} that cannot be told.\n`;
  return [
    head,
    told.length === 0
      ? "nothing would have matched for sure\n"
      : `\n${formatTable(table[0], table.slice(1), columns)}`,
    section(["POLICY", "HOOK", "ON", "CANNOT BE TOLD", "EVENTS"], reasons, columns),
    recorded === 0 ? "" : asLive,
  ].join("");
}

function nameOf({ policy }: Verdict): string {
  return [policy.kind, policy.namespace, policy.name].filter((one) => one !== undefined).join("/");
}

function keyOf({ verdict }: Row): string {
  const { hook, selector = 0 } = verdict;
  const pad = (number: number) => String(number).padStart(6, "0");
  return `${nameOf(verdict)} ${pad(hook)} ${pad(selector)} ${verdict.kind} ${verdict.why}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
