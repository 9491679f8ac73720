import type { AgentOptions } from "@guardbee/agent";
import { aNumber, aPort, type Command } from "../command.ts";
import { apiFlags } from "./agent-api-flags.ts";
import { withConfigFolder } from "./agent-config.ts";
import { exportOptions } from "./agent-export.ts";
import { processFlags } from "./agent-process-flags.ts";

const cgroupRate = {
  type: "string",
  default: "",
  describe:
    "EVENTS,INTERVAL, such as 1000,1s: how many execs, clones and exits of a pod are reported; empty: all",
} as const;

const healthFlags = {
  "health-port": {
    ...aPort("health-port"),
    describe: "Serve /healthz, /readyz and /metrics here, on 127.0.0.1 only",
  },
  "metrics-server": {
    type: "string",
    default: "",
    describe:
      "Serve /metrics here, too, without authentication: HOST:PORT, or :PORT on every address; empty: nowhere",
  },
} as const;

/** `debug`, `tracingPolicyDir`: see the flags. */
export const agent: Command<
  AgentOptions & { readonly debug: boolean; readonly tracingPolicyDir: string }
> = {
  name: "agent",
  positionals: "",
  summary: "Enforce policies on this machine and report what happens on it",
  examples: [
    "agent --policy policies/ --events-file /var/log/guardbee/events.log",
    "agent --kube --node-name worker-1 --log-level debug",
  ],
  options: (yargs) =>
    withConfigFolder(yargs)
      .option("policy", {
        alias: "tracing-policy",
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "A policy file, or a folder of them; may be repeated",
      })
      .option("tracing-policy-dir", {
        type: "string",
        default: "",
        describe: "A folder of policies, as --policy; empty: none",
      })
      .option("node-name", {
        type: "string",
        describe: "Name of this node in events [default: NODE_NAME, else the host's name]",
      })
      .option("kube", {
        alias: "enable-k8s-api",
        type: "boolean",
        default: false,
        describe: "Take policies and pods from the cluster that this runs in",
      })
      .option("bpffs", {
        type: "string",
        default: "/sys/fs/bpf/guardbee",
        describe: "Folder on a bpffs that holds what outlives the agent",
      })
      .option("state-dir", {
        type: "string",
        default: "/var/lib/guardbee",
        describe: "With --kube: what the node is to hold, for a start without the cluster",
      })
      .options(exportOptions)
      .option("events-socket", {
        type: "string",
        default: "/var/run/guardbee/events.sock",
        describe: "Unix socket that streams events to readers; empty: none",
      })
      .option("request-hosts", {
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "A host that GetUrl and DnsLookup of policies may ask for; may be repeated",
      })
      .option("request-resolver", {
        type: "string",
        default: "",
        describe: "DNS server that DnsLookup asks; empty: policies with it are refused",
      })
      .options(healthFlags)
      .option("log-level", {
        choices: ["trace", "debug", "info", "warn", "error"] as const,
        default: "info" as const,
      })
      .option("debug", {
        type: "boolean",
        default: false,
        describe: "The same as --log-level debug; counts more than that flag",
      })
      .option("procfs", { type: "string", default: "/proc", describe: "The host's procfs" })
      .option("cgroup-root", {
        type: "string",
        default: "/sys/fs/cgroup",
        describe: "The host's cgroup v2 root",
      })
      .option("followed-files-per-pod", {
        ...aNumber("followed-files-per-pod", 1, 262_144),
        default: 4_096,
        describe: "Files that policies follow in one pod at once; what opens more is stopped",
      })
      .options({ "cgroup-rate": cgroupRate, ...processFlags, ...apiFlags }),
  async run({ debug, tracingPolicyDir, ...args }, io) {
    const { runAgent } = await import("@guardbee/agent"); // only here: it is large
    const { NODE_NAME, OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders = "" } = io.env;
    const logLevel = debug ? "debug" : args.logLevel;
    const nodeName = args.nodeName ?? NODE_NAME;
    const paths = [...args.policy, tracingPolicyDir];
    const policy = paths.filter((path) => path !== ""); // the defaults of --tracing-policy and -dir
    return runAgent({ ...args, policy, logLevel, nodeName, otlpHeaders }, io.signal);
  },
};
