import { differenceKinds, type MissedCalls, type TamperCounts } from "../engine.ts";
import type { EventStats } from "../events/event-export.ts";
import { causes, type LossCause, type Losses, lossCauses } from "../kernel/losses.ts";
import { contentType, formatMetrics, type Metric, type Sample } from "./exposition.ts";

/** What the agent's metrics are read from when Prometheus asks. */
export type AgentFacts = {
  readonly version: string;
  readonly losses: Losses;
  readonly misses: readonly MissedCalls[];
  /** Absent until events are read. */
  readonly events?: EventStats;
  readonly tampered: TamperCounts;
  readonly moved: number;
  /** How many policies of this node are at each state. */
  readonly policies: Readonly<Record<string, number>>;
};

type AgentMetric = Metric<AgentFacts>;

/**
 * Names are upstream's after its prefix, where the meaning is the same. Labels have fixed values,
 * never names of objects. No library: one costs 20 MB of memory on each node.
 */
export const agentMetrics: readonly AgentMetric[] = [
  {
    ...{ name: "build_info", type: "gauge", labels: ["version", "node"] },
    help: "1, for the version that runs.",
    read: ({ version }) => [{ labels: { version, node: process.versions.node }, value: 1 }],
  },
  {
    ...{ name: "bpf_missed_events_total", type: "counter", labels: ["event", "error"] },
    help: "Events that the kernel had no room for: full, the ring was, or all of it but what is kept for stops; share, the ring was more than half full and the event's pod (outside of pods, its cgroup) had added its share; rate, that had more than --cgroup-rate. stop: a hook event that tells of a stop; post: any other.",
    read: ({ losses }) => missedEvents.map((one) => missed(one, losses)),
  },
  {
    ...{ name: "bpf_losses_total", type: "counter", labels: ["cause"] },
    help: "What else the kernel side lost or had no room for, by cause.",
    read: ({ losses }) => otherLosses.map((cause) => ({ labels: { cause }, value: losses[cause] })),
  },
  {
    ...{ name: "missed_prog_probes_total", type: "counter", labels: ["attach"] },
    help: "Calls that a program in force did not see, because the kernel skips it while it, or another where it runs one at a time, is active on that processor.",
    read: ({ misses }) =>
      misses.map(({ attachment: attach, program: value }) => ({ labels: { attach }, value })),
  },
  {
    ...{ name: "missed_link_probes_total", type: "counter", labels: ["attach"] },
    help: "Calls that a program in force did not see, because a kprobe was hit inside of another (where the kernel counts that: Linux 6.7).",
    read: ({ misses }) =>
      misses.map(({ attachment: attach, link: value }) => ({ labels: { attach }, value })),
  },
  {
    ...{ name: "tamper_found_total", type: "counter", labels: ["kind"] },
    help: "How often something of Guardbee's in the kernel was found changed or removed. pin: a pin; table, scope, state: entries of maps, those of policies, which cgroup is in which scope, which tables are in force; protected: the list of the node's services; agent: the mark of the agent's process; switch: a setting that keeps programs from running.",
    read: ({ tampered }) =>
      differenceKinds.map((kind) => ({ labels: { kind }, value: tampered[kind].found })),
  },
  {
    ...{ name: "tamper_repaired_total", type: "counter", labels: ["kind"] },
    help: "How much of that was put right.",
    read: ({ tampered }) =>
      differenceKinds.map((kind) => ({ labels: { kind }, value: tampered[kind].repaired })),
  },
  {
    ...{ name: "processes_moved_total", type: "counter" },
    help: "Processes that somebody took out of their pod's cgroup, where the pod's policies hold for them no more.",
    read: ({ moved }) => [{ value: moved }],
  },
  {
    ...{ name: "tracingpolicy_loaded", type: "gauge", labels: ["state"] },
    help: "Policies of this node, by state: enabled; disabled, over gRPC; load_error, the kernel or the agent cannot hold it; error, there was no room for what was added over gRPC; loading, unloading.",
    read: ({ policies }) => byKey("state", { enabled: 0, disabled: 0, load_error: 0, ...policies }),
  },
  {
    ...{ name: "observer_ringbuf_events_received_total", type: "counter", labels: ["event"] },
    help: "Events read from the kernel, by kind.",
    read: ({ events }) => {
      const { bad: _, ...received } = events?.pipeline.received ?? { bad: 0 };
      return Object.entries(received).map(([event, value]) => ({ labels: { event }, value }));
    },
  },
  {
    ...{ name: "observer_ringbuf_events_lost_total", type: "counter" },
    help: "The sum of bpf_missed_events_total.",
    read: ({ losses }) => [
      { value: missedEvents.map((one) => missed(one, losses).value).reduce((a, b) => a + b, 0n) },
    ],
  },
  {
    ...{ name: "observer_ringbuf_errors_total", type: "counter" },
    help: "Records from the kernel of which no event could be made.",
    read: ({ events }) => one(events?.pipeline.received.bad),
  },
  {
    ...{ name: "requests_total", type: "counter", labels: ["result"] },
    help: "What became of the requests of GetUrl and DnsLookup: dropped, eight others were under way.",
    read: ({ events }) => byKey("result", events?.requests),
  },
  {
    ...{ name: "events_skipped_total", type: "counter", labels: ["reason"] },
    help: "Hook events that were not exported: unknownHook, their policy is gone; badArguments, they could not be decoded.",
    read: ({ events }) => byKey("reason", events?.pipeline.skipped),
  },
  {
    ...{ name: "processes_scanned_total", type: "counter" },
    help: "Processes that ran when the agent started, and were exported.",
    read: ({ events }) => one(events?.pipeline.scanned),
  },
  {
    ...{ name: "cgroup_throttles_total", type: "counter" },
    help: "process_throttle events: a cgroup began, or ended, to have more events than --cgroup-rate.",
    read: ({ events }) => one(events?.pipeline.throttles),
  },
  {
    ...{ name: "events_processed_total", type: "counter" },
    help: "Events given to every sink.",
    read: ({ events }) => one(events?.pipeline.exported),
  },
  {
    ...{ name: "event_cache_entries", type: "gauge" },
    help: "Events that wait for the pod of their container.",
    read: ({ events }) => one(events?.pipeline.gate.waiting),
  },
  {
    ...{ name: "events_waiting_for_exec", type: "gauge" },
    help: "Events of execs that are stopped, which wait until the kernel tells of the exec.",
    read: ({ events }) => one(events?.pipeline.waitingForExec),
  },
  {
    ...{ name: "events_without_exec_total", type: "counter", labels: ["reason"] },
    help: "Events of execs that are stopped which name the program before, with unknown among its flags: time, the kernel told of no exec; space, too many waited.",
    read: ({ events }) => byKey("reason", events?.pipeline.withoutExec),
  },
  {
    ...{ name: "event_cache_fetch_failures_total", type: "counter", labels: ["reason"] },
    help: "Containers whose events went out without a pod: time, it took too long; space, too many waited.",
    read: ({ events }) => byKey("reason", events?.pipeline.gate.expired),
  },
  {
    ...{ name: "events_exported_total", type: "counter" },
    help: "Events in the file.",
    read: ({ events }) => one(sinkOf(events, "file")?.delivered),
  },
  {
    ...{ name: "events_exported_bytes_total", type: "counter" },
    help: "Bytes in the file.",
    read: ({ events }) => one(sinkOf(events, "file")?.bytes),
  },
  {
    ...{ name: "notify_overflowed_events_total", type: "counter" },
    help: "Events that readers of the socket and clients of the gRPC API were too slow for, summed over them.",
    read: ({ events }) => {
      const readers = ["socket", "grpc"].flatMap((name) => sinkOf(events, name) ?? []);
      if (readers.length === 0) return [];
      return one(readers.reduce((sum, { dropped }) => sum + dropped.backlog, 0));
    },
  },
  {
    ...{ name: "sink_events_delivered_total", type: "counter", labels: ["sink"] },
    help: "Events given to the file, to a receiver of OTLP, or to readers, summed over them.",
    read: ({ events }) =>
      (events?.sinks ?? []).map(({ name: sink, delivered: value }) => ({
        labels: { sink },
        value,
      })),
  },
  {
    ...{ name: "sink_events_dropped_total", type: "counter", labels: ["sink", "cause"] },
    help: "Events a sink did not take: closed, nothing was open or the reader went away; backlog, disk or reader was too slow; error, the disk or a receiver refused them; rateLimit, beyond --export-rate-limit.",
    read: ({ events }) =>
      (events?.sinks ?? []).flatMap(({ name: sink, dropped }) =>
        Object.entries(dropped).map(([cause, value]) => ({ labels: { sink, cause }, value })),
      ),
  },
  {
    ...{ name: "sink_events_filtered_total", type: "counter", labels: ["sink"] },
    help: "Events that a filter (--export-allowlist, --export-denylist) held back: no loss.",
    read: ({ events }) =>
      (events?.sinks ?? []).flatMap(({ name: sink, filtered: value }) =>
        value === undefined ? [] : [{ labels: { sink }, value }],
      ),
  },
  {
    ...{ name: "export_ratelimit_events_dropped_total", type: "counter" },
    help: "Events that were not written to the file because of --export-rate-limit.",
    read: ({ events }) => one(sinkOf(events, "file")?.dropped.rateLimit),
  },
  {
    ...{ name: "sink_events_told_total", type: "counter", labels: ["sink"] },
    help: "Events rate_limit_info that were added, each tells how many --export-rate-limit dropped.",
    read: ({ events }) =>
      (events?.sinks ?? []).flatMap(({ name: sink, told: value }) =>
        value === undefined ? [] : [{ labels: { sink }, value }],
      ),
  },
  {
    ...{ name: "sink_events_waiting", type: "gauge", labels: ["sink"] },
    help: "Events that a sink has taken and not yet delivered.",
    read: ({ events }) =>
      (events?.sinks ?? []).map(({ name: sink, waiting: value }) => ({ labels: { sink }, value })),
  },
  {
    ...{ name: "socket_readers", type: "gauge" },
    help: "Readers of the socket.",
    read: ({ events }) => one(sinkOf(events, "socket")?.readers),
  },
  {
    ...{ name: "process_cache_size", type: "gauge" },
    help: "Processes that are known, those that ended of late included.",
    read: ({ events }) => one(events?.tree.processes),
  },
  {
    ...{ name: "process_cache_evictions_total", type: "counter" },
    help: "Processes that were forgotten because too many were known.",
    read: ({ events }) => one(events?.tree.evicted),
  },
  {
    ...{ name: "user_stacks_missed_total", type: "counter", labels: ["cause"] },
    help: "Stacks of processes that events have not, or without names: the process was gone (gone), looking at processes has had its share of the time (busy), more is mapped than is looked at (long).",
    read: ({ events }) =>
      Object.entries(events?.pipeline.missedStacks ?? {}).map(([cause, value]) => ({
        labels: { cause },
        value,
      })),
  },
  {
    ...{ name: "process_texts_cut_total", type: "counter", labels: ["cause"] },
    help: "Processes whose long argv or environment was cut: too many were known (cache), or waited for their exec (waiting).",
    read: ({ events }) =>
      events === undefined
        ? []
        : [
            { labels: { cause: "cache" }, value: events.tree.cut },
            { labels: { cause: "waiting" }, value: events.pipeline.droppedTexts },
          ],
  },
];

/** For `serveHealth`. */
export function metricsOf(facts: () => AgentFacts) {
  return { contentType, metrics: async () => formatMetrics(agentMetrics, facts()) };
}

/** Everything that got lost so far, by cause. */
export function lossesOf({ losses, misses, events }: AgentFacts): Readonly<Record<string, number>> {
  const { pipeline, sinks = [], tree } = events ?? {};
  const counts: [cause: string, count: number][] = [
    ...lossCauses.map((cause): [string, number] => [cause, Number(losses[cause])]),
    ...misses.map(({ attachment, program, link }): [string, number] => [
      `missed_${attachment}`,
      program + link,
    ]),
    ["bad_record", pipeline?.received.bad ?? 0],
    ["bad_arguments", pipeline?.skipped.badArguments ?? 0],
    ["unknown_hook", pipeline?.skipped.unknownHook ?? 0],
    ["process_evicted", tree?.evicted ?? 0],
    ["process_text_cut", tree?.cut ?? 0],
    ["waiting_text_cut", pipeline?.droppedTexts ?? 0],
    ...sinks.flatMap(({ name, dropped }) =>
      Object.entries(dropped).map(([cause, count]): [string, number] => [
        `${name}_${cause}`,
        count,
      ]),
    ),
  ];
  return Object.fromEntries(counts);
}

/** Of bpf_missed_events_total, with the cause that the kernel side counts. */
const missedEvents = lossCauses.flatMap((cause) => {
  const { missed: labels } = causes[cause];
  return labels === undefined ? [] : [{ cause, labels }];
});
const otherLosses = lossCauses.filter((cause) => !missedEvents.some((one) => one.cause === cause));

function missed(
  { cause, labels }: { readonly cause: LossCause; readonly labels: Record<string, string> },
  losses: Losses,
): Sample & { readonly value: bigint } {
  return { labels, value: losses[cause] };
}

function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }];
}

function byKey(label: string, counts: Readonly<Record<string, number>> = {}): readonly Sample[] {
  return Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function sinkOf(events: EventStats | undefined, name: string) {
  return events?.sinks.find((sink) => sink.name === name);
}
