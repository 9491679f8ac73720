import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, runTogether, systemClock } from "@guardbee/kube";
import type { Logger } from "pino";
import { type EventExport, openEventExport } from "./events/event-export.ts";
import { type ExportFlags, type ExportOptions, parseExportFlags } from "./events/export-options.ts";
import { formatProblems } from "./events/filter/report.ts";
import { Requests } from "./events/requests.ts";
import { type ApiFlags, type ApiOptions, parseApiFlags, runApi } from "./grpc/open-api.ts";
import { isOfForeignObjects } from "./kernel/foreign-objects.ts";
import { KernelEngine } from "./kernel/kernel-engine.ts";
import { loadNative, type Native } from "./kernel/native.ts";
import { parseCgroupRate } from "./kernel/rate.ts";
import { leaveNothing } from "./leave.ts";
import { type Log, openLog } from "./log.ts";
import { lossesOf, metricsOf } from "./metrics/metrics.ts";
import { watchLosses } from "./metrics/watch-losses.ts";
import manifest from "./package.json" with { type: "json" };
import { askedOf } from "./process/details.ts";
import type { ProcessOptions } from "./process/options.ts";
import { protectedBinaries } from "./protected-binaries.ts";
import { findOwnPodUid } from "./scope/own-pod.ts";
import { type HealthFlags, parseMetricsServer, serveOwnHealth } from "./serve-health.ts";
import { noStore, openStore } from "./session/added-store.ts";
import { Session } from "./session/session.ts";
import { StateDir } from "./state/state-dir.ts";

/** What `guardbee agent` was called with; its help says what each means. */
export type AgentOptions = ProcessOptions &
  ExportFlags &
  ApiFlags &
  HealthFlags & {
    readonly policy: readonly string[];
    readonly nodeName: string | undefined;
    readonly kube: boolean;
    readonly bpffs: string;
    readonly stateDir: string;
    readonly eventsFile: string;
    readonly eventsFileMaxMb: number;
    readonly eventsFileBackups: number;
    readonly exportFileCompress: boolean;
    readonly eventsSocket: string;
    readonly requestHosts: readonly string[];
    readonly requestResolver: string;
    readonly logLevel: "trace" | "debug" | "info" | "warn" | "error";
    readonly procfs: string;
    readonly cgroupRoot: string;
    readonly followedFilesPerPod: number;
    /** `EVENTS,INTERVAL`; empty: no limit. */
    readonly cgroupRate: string;
    /** Whether policies that are added over gRPC outlive the agent, and where they are kept. */
    readonly persistGrpcPolicies: boolean;
    readonly persistGrpcPoliciesDir: string;
    /** For events; empty: they do not say it. */
    readonly clusterName: string;
    /** Stacks in events have addresses, which tell where in memory the kernel is. */
    readonly exposeStackAddresses: boolean;
    readonly enablePodAnnotations: boolean;
    /** How often, and how many seconds apart, events of a container look for its pod. */
    readonly eventCacheRetries: number;
    readonly eventCacheRetryDelay: number;
  };

/**
 * Runs the agent until `signal` aborts and leaves the kernel as it is then: what is programmed goes
 * on, unless Guardbee is being removed from the cluster. Exit codes as the CLI's: 0 ended as asked,
 * 1 this machine cannot run it, 2 wrongly called.
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<0 | 1 | 2> {
  const logging = openLog(options.logLevel);
  const { log } = logging;
  const parsed = await parseOptions(options, log);
  if (parsed === undefined) return 2;
  const { api, exported } = parsed;
  if (!isOnBpffs(options.bpffs)) {
    log.error(
      { bpffs: options.bpffs },
      "--bpffs is not a folder on a bpffs, or directly below one; mount it: mount -t bpf bpf /sys/fs/bpf",
    );
    return 1;
  }
  const native = loadNative();
  if (!existsSync(options.bpffs)) mkdirSync(options.bpffs, { mode: 0o700 });
  const requests = openRequests(options, log);
  if (requests === undefined) return 2;
  const engine = openEngine(options, { native, requests, log });
  if (engine === undefined) return 1;
  log.info({ ...engine.features(), adopted: engine.adopted }, "kernel is ready");
  const control = await openControl(options, engine, log);
  if (control === undefined) return 1;
  const rate = parseCgroupRate(options.cgroupRate);
  const events = await openEventExport({
    ...options,
    ...(typeof rate === "object" && { rate }),
    exported,
    native,
    engine,
    requests,
    clock: systemClock,
    log: log.child({ component: "events" }),
    podLimitMs: options.eventCacheRetries * options.eventCacheRetryDelay * 1_000,
    ...(control.pods === undefined ? {} : { pods: control.pods }),
    ...(control.nodeLabels === undefined ? {} : { nodeLabels: control.nodeLabels }),
    ...(control.sink === undefined ? {} : { sinks: [control.sink] }),
    streams: api !== undefined,
  });
  const facts = () => ({
    version: manifest.version,
    losses: engine.losses(),
    misses: engine.misses(),
    events: events.stats(),
    tampered: control.tampered(),
    moved: engine.moves().count,
    policies: control.control.states(),
  });
  const health = { alive: () => true, ready: () => control.ready(), metrics: metricsOf(facts) };
  if (!(await serveOwnHealth(options, { ...health, log }, signal))) return 1;
  const apiRuns =
    api === undefined ? [] : [runOf(api, { options, engine, control, events, logging })];
  await runTogether(
    [
      (each) => control.run(each),
      (each) => events.run(each),
      ...apiRuns,
      (each) => watchLosses({ read: () => lossesOf(facts()), clock: systemClock, log }, each),
    ],
    signal,
  );
  if (control.leaves?.()) leaveNothing(options, log);
  return 0;
}

type ParsedOptions = {
  readonly api: ApiOptions | undefined;
  readonly exported: ExportOptions;
};

/** What some of the options mean; undefined: something is wrong with them, which the log says. */
async function parseOptions(
  options: AgentOptions,
  log: Logger,
): Promise<ParsedOptions | undefined> {
  if (options.kube && options.policy.length > 0) {
    log.error(
      "--kube takes policies from the cluster; leave --policy and --tracing-policy-dir out, or --kube",
    );
    return undefined;
  }
  if (parseCgroupRate(options.cgroupRate) === undefined) {
    const { cgroupRate } = options;
    log.error({ cgroupRate }, "--cgroup-rate is not EVENTS,INTERVAL as in 1000,1s");
    return undefined;
  }
  const metrics = parseMetricsServer(options.metricsServer);
  if (metrics !== undefined && "wrong" in metrics) {
    log.error(metrics.wrong);
    return undefined;
  }
  const api = parseApiFlags(options);
  if (api !== undefined && "wrong" in api) {
    log.error(api.wrong);
    return undefined;
  }
  const exported = await parseExportFlags(options);
  if (exported.ok) return { api, exported: exported.value };
  log.error(formatProblems(exported.problems));
  return undefined;
}

/** What decides what the kernel holds. */
type Control = Pick<Session, "run" | "ready" | "control" | "tampered"> &
  Partial<Pick<Session, "pods" | "leaves" | "nodeLabels" | "sink">>;

/** Serves the gRPC API. */
function runOf(
  api: ApiOptions,
  parts: {
    readonly options: AgentOptions;
    readonly engine: KernelEngine;
    readonly control: Control;
    readonly events: EventExport;
    readonly logging: Log;
  },
): (signal: AbortSignal) => Promise<void> {
  const { options, engine, control, events, logging } = parts;
  const { otlpHeaders: _, ...configuration } = options; // they may hold a token
  const node = {
    version: manifest.version,
    nodeName: options.nodeName ?? hostname(),
    features: () => engine.features().features,
    configuration,
    logLevel: logging.level,
    processes: events.processes,
  };
  const log = logging.log.child({ component: "grpc" });
  const served = { events: events.streams!, control: control.control, file: events.file, node };
  const { eventsFile, healthPort, metricsServer, bpffs } = options;
  const metrics = healthPort === undefined ? metricsServer : `:${healthPort}`;
  const told = {
    ...{ export_fname: eventsFile, lib_dir: objectsFolder, map_dir: bpffs },
    btf_fname: "/sys/kernel/btf/vmlinux",
    metrics_address: metrics.replace(/^:/, "127.0.0.1:"),
  };
  return (signal) => runApi(api, { ...served, told, clock: systemClock, log }, signal);
}

/** What makes policies' requests; undefined when it cannot be had, which the log says. */
function openRequests(options: AgentOptions, log: Logger): Requests | undefined {
  try {
    return new Requests(options, log.child({ component: "requests" }));
  } catch (error) {
    const { requestResolver } = options;
    log.error({ err: error, requestResolver }, "--request-resolver is no address of a DNS server");
    return undefined;
  }
}

/** Where the BPF programs are. */
const objectsFolder = fileURLToPath(new URL("../bpf/build", import.meta.url));

/** The kernel side; undefined when it cannot be had, which the log says. */
function openEngine(
  options: AgentOptions,
  { native, requests, log }: { native: Native; requests: Requests; log: Logger },
): KernelEngine | undefined {
  const { bpffs, procfs, cgroupRoot, followedFilesPerPod, cgroupRate } = options;
  const rate = parseCgroupRate(cgroupRate);
  try {
    return new KernelEngine({
      ...{ hostRoot: join(procfs, "1/root"), cgroupRoot },
      ...(rate === undefined || rate === "none" ? {} : { cgroupRate: rate }),
      ...{
        native,
        bpffs,
        objects: objectsFolder,
        podFiles: followedFilesPerPod,
        execAsked: askedOf(options),
      },
      protectedBinaries: protectedBinaries(join(procfs, "1/root")),
      allowed: { whyNoRequest: (request) => requests.whyNot(request) },
      log: log.child({ component: "engine" }),
    });
  } catch (error) {
    if (isOfForeignObjects(error)) {
      log.error(
        { err: error, objects: objectsFolder },
        "the BPF objects are missing, or of another version than this agent; run make build, or use the whole image",
      );
    } else {
      log.error(
        { err: error },
        "this kernel cannot run the agent; it needs Linux 6.1 or later with CONFIG_DEBUG_INFO_BTF, root, and a bpffs at --bpffs",
      );
    }
    return undefined;
  }
}

const bpffsMagic = 0xcafe4a11; // BPF_FS_MAGIC, linux/magic.h

function isOnBpffs(path: string): boolean {
  const folder = existsSync(path) ? path : dirname(path);
  return existsSync(folder) && statfsSync(folder).type === bpffsMagic;
}

/** What decides the kernel's content: the cluster, files, or nothing. */
async function openControl(
  options: AgentOptions,
  engine: KernelEngine,
  log: Logger,
): Promise<Control | undefined> {
  if (options.kube) {
    if (options.nodeName === undefined) {
      log.error("--kube needs the name of this node; set --node-name or NODE_NAME");
      return undefined;
    }
    const ownPodUid = await findOwnPodUid(process.env, options.procfs);
    return Session.open({
      connection: await connect(),
      nodeName: options.nodeName,
      engine,
      state: new StateDir(options.stateDir),
      cgroupRoot: options.cgroupRoot,
      procfs: options.procfs,
      hostRoot: join(options.procfs, "1/root"),
      podAnnotations: options.enablePodAnnotations,
      ...(ownPodUid === undefined ? {} : { ownPodUid }),
      agentVersion: manifest.version,
      added: addedStore(options, log),
      clock: systemClock,
      log,
    });
  }
  // In a cluster the operator reads the policies, and what it takes to read them is not loaded.
  const { Standalone } = await import("./session/standalone.ts");
  const standalone = await Standalone.open({
    paths: options.policy,
    engine,
    added: addedStore(options, log),
    clock: systemClock,
    log: log.child({ component: "policies" }),
  });
  if (standalone === undefined) {
    log.error(
      { policy: options.policy },
      "no such file or folder; check --policy, or --tracing-policy-dir",
    );
  }
  return standalone;
}

function addedStore(options: AgentOptions, log: Logger) {
  return options.persistGrpcPolicies ? openStore(options.persistGrpcPoliciesDir, log) : noStore;
}
