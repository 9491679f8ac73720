import { type AncestorFamily, ancestorFamilies } from "@guardbee/agent/process-options";
import { aNumber, UsageError } from "../command.ts";

/** What `guardbee agent` tells of processes; names and defaults are upstream's. */
export const processFlags = {
  "cluster-name": {
    type: "string",
    default: "",
    describe: "Name of the cluster in events; empty: they do not say it",
  },
  "enable-pod-annotations": {
    type: "boolean",
    default: false,
    describe: "With --kube: events have the annotations of pods",
  },
  "username-metadata": {
    choices: ["disabled", "unix"] as const,
    default: "disabled",
    describe: "unix: processes of the host have the name of their user, from its /etc/passwd",
  },
  "enable-ancestors": {
    type: "string",
    array: true,
    nargs: 1,
    default: [] as string[],
    coerce: ancestors,
    describe: `Which events have the ancestors of their process: ${ancestorFamilies.join(",")}; base is exec and exit, and the others need it`,
  },
  "expose-stack-addresses": {
    type: "boolean",
    default: false,
    describe: "Stacks in events have addresses; they tell where in memory the kernel is",
  },
  "enable-process-cred": {
    type: "boolean",
    default: false,
    describe:
      "Processes have their credentials and capabilities, and execs what their program changed",
  },
  "enable-process-ns": {
    type: "boolean",
    default: false,
    describe: "Processes have their namespaces",
  },
  "enable-process-environment-variables": {
    type: "boolean",
    default: false,
    describe: "Processes have their environment; it may hold secrets",
  },
  "filter-environment-variables": {
    type: "string",
    array: true,
    nargs: 1,
    default: [] as string[],
    coerce: words,
    describe: "Names of the variables that are shown; empty: all",
  },
  "process-cache-size": {
    ...aNumber("process-cache-size", 16, 4_194_304),
    default: 65_536,
    describe: "How many processes are known; the longest ended go first, then the least used",
  },
  "process-cache-gc-interval": {
    ...aDuration("process-cache-gc-interval"),
    default: "30s",
    describe: "How long a process that ended stays known, such as 30s or 1m30s",
  },
  "event-cache-retries": {
    ...aNumber("event-cache-retries", 0, 1_000),
    default: 15,
    describe: "How often events of a container look for its pod before they go out without",
  },
  "event-cache-retry-delay": {
    ...aNumber("event-cache-retry-delay", 1, 3_600),
    default: 2,
    describe: "How many seconds lie between; they go out as soon as it is known",
  },
} as const;

function ancestors(given: readonly string[]): readonly AncestorFamily[] {
  return words(given).map((name) => {
    const family = ancestorFamilies.find((one) => one === name);
    if (family !== undefined) return family;
    throw new UsageError(`--enable-ancestors: ${name} is none of ${ancestorFamilies.join(", ")}`);
  });
}

function words(given: readonly string[]): readonly string[] {
  return given.flatMap((one) => one.split(/[\s,]+/)).filter((word) => word !== "");
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A time as Go writes it, in milliseconds. */
function aDuration(name: string) {
  const coerce = (value: unknown): number => {
    const text = String(value);
    if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
      throw new UsageError(`--${name}: takes a time such as 30s or 1m30s`);
    }
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit!]!, 0);
  };
  return { type: "string", coerce } as const;
}
