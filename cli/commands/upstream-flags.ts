import type { Argv } from "yargs";
import { type Command, optionNames, UsageError } from "../command.ts";

/** A flag of Tetragon's agent that names a behaviour, and what it is to ours. */
export type UpstreamFlag = {
  readonly name: string;
  readonly byDefault: string;
  /** What is better where we have it; absent: it is the same. */
  readonly better?: string;
  /** What else is to be known where we have it. */
  readonly note?: string;
  /** What to do instead, where we have it not. */
  readonly refused?: string;
  /** Values of a refused one that ask for what is so here, beside its default. */
  readonly already?: readonly string[];
};

const flag = (
  name: string,
  byDefault: string,
  rest: Omit<UpstreamFlag, "name" | "byDefault"> = {},
): UpstreamFlag => ({ name, byDefault, ...rest });
const refused = (
  name: string,
  byDefault: string,
  message: string,
  already: readonly string[] = [],
): UpstreamFlag => flag(name, byDefault, { refused: message, already });

const profiles = "run node --cpu-prof or --heap-prof instead";
const cluster = "--kube takes policies and pods from the cluster";
const containers = "containers are known by their cgroups, from their first instruction on";
const sizes =
  "the map of processes has room for all that the kernel runs, and what has none is counted";
const ring = "the rings are of 4 MiB each, one of them for what tells of stops";

/** Every flag of upstream's agent, in the order of its reference. */
export const upstreamFlags: readonly UpstreamFlag[] = [
  flag("config-dir", '""', {
    better: "a file that is named as no flag, or has a wrong value, is refused",
    note: "no folder is read unless it is asked for",
  }),
  flag("debug", "false", { note: "counts more than --log-level, as there" }),
  flag("log-level", "info", { note: "trace, debug, info, warn, error" }),
  refused("log-format", "text", "the log is JSON lines with the time, as json-ts is", ["json-ts"]),
  refused("log-file", '""', "the log goes to standard output; redirect it"),
  refused("bpf-lib", "/var/lib/tetragon/", "the BPF objects come with the agent, and must fit it", [
    "/usr/local/lib/tetragon/bpf/", // of upstream's package
  ]),
  refused("btf", '""', "types are read from /sys/kernel/btf, which the agent needs"),
  flag("procfs", "/proc/"),
  refused("kernel", '""', "what the kernel can do is tried, not read from its version"),
  refused("verbose", "0", "what the verifier says of a program that it refuses is in the log"),
  flag("cluster-name", '""'),
  flag("process-cache-size", "65536"),
  refused(
    "disable-process-cache",
    "false",
    "events always tell of their process; use --process-cache-size",
  ),
  flag("process-cache-gc-interval", "30s"),
  refused(
    "data-cache-size",
    "1024",
    "arguments come whole with their event, and are not kept apart",
  ),
  refused("deleted-pod-cache-size", "1024", "a deleted pod is known as long as a process of it is"),
  refused(
    "event-queue-size",
    "10000",
    "queues are bounded by bytes, and what they drop is counted",
  ),
  flag("event-cache-retries", "15"),
  flag("event-cache-retry-delay", "2", { better: "events go out as soon as their pod is known" }),
  refused("force-small-progs", "false", "one set of programs runs on every kernel"),
  refused("force-large-progs", "false", "one set of programs runs on every kernel"),
  flag("export-filename", '""', {
    note: "default /var/run/guardbee/events.log; also --events-file",
  }),
  flag("export-file-max-size-mb", "10", {
    better: "a line larger than that is written, not lost",
    note: "also --events-file-max-mb",
  }),
  flag("export-file-rotation-interval", "0", { better: "a file without events is not rotated" }),
  flag("export-file-max-backups", "5", { note: "also --events-file-backups" }),
  flag("export-file-compress", "false", {
    better: "the newest rotated file stays as it is, so that readers lose nothing",
  }),
  flag("export-file-perm", "600", { better: "a wrong value is refused, not replaced" }),
  flag("export-rate-limit", "-1", {
    better: "what tells of a stop always passes; a wrong value is refused",
  }),
  refused(
    "enable-export-aggregation",
    "false",
    "upstream aggregates no event with it; use the action Aggregate",
  ),
  refused(
    "export-aggregation-window-size",
    "15s",
    "upstream aggregates no event; use the action Aggregate",
  ),
  refused(
    "export-aggregation-buffer-size",
    "10000",
    "upstream aggregates no event; use the action Aggregate",
  ),
  flag("export-allowlist", '""', {
    better:
      "ancestor_binary_regex needs no other flag; policy_names knows usdt; problems name line and field, of CEL, too",
  }),
  flag("export-denylist", '""', { better: "as --export-allowlist" }),
  flag("field-filters", '""'),
  flag("redaction-filters", '""', { better: "an expression that hides nothing is refused" }),
  flag("enable-pid-set-filter", "false"),
  flag("enable-k8s-api", "false", { note: "also --kube" }),
  refused("k8s-kubeconfig-path", '""', "--kube is for an agent that runs in its cluster"),
  refused(
    "k8s-controlplane-retry",
    "1",
    "the agent enforces without the cluster, and tries it for ever",
  ),
  flag("enable-pod-annotations", "false"),
  refused("enable-pod-info", "false", "nothing waits for PodInfo; the agent watches its own pods"),
  refused("enable-tracing-policy-crd", "true", cluster),
  flag("metrics-server", '""', {
    note: "metrics have names of their own; they are also at --health-port, on 127.0.0.1",
  }),
  refused("enable-event-metrics", "true", "metrics have no labels that grow, and are always there"),
  refused(
    "metrics-label-filter",
    "namespace,workload,pod,binary",
    "labels never hold an object's name",
  ),
  refused("enable-msg-handling-latency", "false", "there is no such histogram"),
  flag("server-address", "localhost:54321", {
    better: "by default there is the Unix socket alone, and nothing listens on TCP",
  }),
  flag("server-tls-cert-file", '""'),
  flag("server-tls-key-file", '""'),
  flag("server-tls-client-ca-files", "[]", { note: "repeat it in place of commas" }),
  flag("server-tls-require-client-cert", "false"),
  flag("health-server-address", ":6789", { note: "nothing listens there unless it is asked for" }),
  refused("health-server-interval", "10", "the state is looked at when somebody asks"),
  refused("gops-address", '""', "gops is for Go programs; use --health-port for metrics", [
    "localhost:8118", // of upstream's chart
  ]),
  refused("pprof-address", '""', profiles),
  refused("cpuprofile", '""', profiles),
  refused("memprofile", '""', profiles),
  flag("enable-process-cred", "false"),
  flag("enable-process-ns", "false"),
  flag("enable-ancestors", "[]"),
  flag("enable-process-environment-variables", "false"),
  flag("filter-environment-variables", "[]"),
  flag("username-metadata", "disabled"),
  flag("expose-stack-addresses", "false"),
  flag("tracing-policy", '""', {
    better: "it takes folders, too, and more than once",
    note: "also --policy",
  }),
  flag("tracing-policy-dir", "/etc/tetragon/tetragon.tp.d", {
    better: "policies change with their files",
    note: "no folder is read unless it is asked for; also --policy",
  }),
  flag("persist-grpc-policies", "false", {
    better: "mode and whether it is enabled are kept, too",
  }),
  flag("persist-grpc-policies-dir", "/var/run/tetragon/grpc-policies"),
  refused(
    "keep-sensors-on-exit",
    "false",
    "what is programmed always outlives the agent; guardbee uninstall ends it",
    ["true"],
  ),
  refused(
    "release-pinned-bpf",
    "true",
    "the agent adopts what is pinned; guardbee uninstall removes it",
  ),
  refused("bpf-dir", "tetragon", "use --bpffs, which takes the whole path"),
  refused("enable-deprecated-tracingpolicy-grpc", "false", "those methods are always there", [
    "true",
  ]),
  refused(
    "enable-policy-filter",
    "false",
    "policies of namespaces, pods and containers always hold in theirs alone",
    ["true"],
  ),
  refused("enable-policy-filter-cgroup-map", "false", "look at kubectl guardbee explain POD"),
  refused("enable-policy-filter-debug", "false", "look at kubectl guardbee explain POD"),
  refused("enable-cri", "false", containers),
  refused("cri-endpoint", '""', containers),
  refused("enable-cgidmap", "false", containers),
  refused("enable-cgidmap-debug", "false", containers),
  refused("enable-cgtrackerid", "true", containers),
  flag("cgroup-rate", '""', {
    better:
      "the bound is a pod's, however many cgroups it makes, and calls that a policy stops have none",
    note: "what it holds back is counted; process_throttle events are told once a second, and end when nothing was held back for an interval",
  }),
  refused(
    "disable-kprobe-multi",
    "false",
    "the agent takes the cheapest way to attach that means the same",
  ),
  refused("use-perf-ring-buffer", "false", "the agent needs Linux 6.1, which has BPF ring buffers"),
  refused("rb-size", "0", ring),
  refused("rb-size-total", "0", ring),
  refused(
    "rb-queue-size",
    "65535",
    "records are read when the sinks have room; until then the kernel keeps or counts them",
  ),
  refused("execve-map-entries", "0", sizes),
  refused("execve-map-size", '""', sizes),
  refused("parents-map-enabled", "false", sizes),
  refused("parents-map-entries", "0", sizes),
  refused("parents-map-size", '""', sizes),
  refused("retprobes-cache-size", "4096", "what waits for a return is kept with its thread"),
  refused("sleepable-preload-size", "32768", "nothing is read ahead"),
  refused("netns-dir", "/var/run/docker/netns/", "namespaces are read from the kernel"),
  refused("generate-docs", "false", "see docs/reference/flags.md"),
];

/**
 * `command`, with an option for each flag of upstream that it has not: a value that asks for anything
 * but what is so here ends it with what to do instead. Help does not show them.
 */
export function refusingUpstreamFlags<Args>(command: Command<Args>): Command<Args> {
  return { ...command, options: (yargs) => refuseFlags(command.options(yargs) as Argv) };
}

function refuseFlags(yargs: Argv): Argv {
  const has = new Set(optionNames(yargs));
  for (const { name, byDefault, refused: why, already = [] } of upstreamFlags) {
    if (why === undefined || has.has(name)) continue;
    const harmless = [byDefault === '""' ? "" : byDefault, ...already];
    yargs.option(name, {
      hidden: true,
      coerce: (value: unknown) => {
        if (value === undefined || harmless.includes(String(value))) return undefined;
        throw new UsageError(`--${name}: is a flag of Tetragon's agent that is not taken; ${why}`);
      },
    });
  }
  return yargs;
}
