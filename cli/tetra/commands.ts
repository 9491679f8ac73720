import type { Command } from "../command.ts";
import type { CommandEntry } from "../commands.ts";
import { absentNames } from "./absent-names.ts";

const policies = () => import("./tracingpolicy.ts");
const node = () => import("./node.ts");

/** The commands of upstream's client, in the order of its help. */
export const tetraCommands: readonly CommandEntry[] = [
  entry("getevents", async () => (await import("./getevents.ts")).getevents),
  entry("status", async () => (await node()).status),
  entry("version", async () => (await node()).version),
  entry("info", async () => (await node()).info),
  entry("tracingpolicy add", async () => (await policies()).add),
  entry("tracingpolicy delete", async () => (await policies()).remove),
  entry("tracingpolicy enable", async () => (await policies()).enable),
  entry("tracingpolicy disable", async () => (await policies()).disable),
  entry("tracingpolicy set-mode", async () => (await policies()).setMode),
  entry("tracingpolicy modify", async () => (await policies()).modify),
  entry("tracingpolicy list", async () => (await policies()).list),
  entry("tracingpolicy generate", async () => (await import("./generate.ts")).generate),
  entry("tracingpolicy domains", async () => (await policies()).domains),
  entry("sensors list", async () => (await node()).sensorsList),
  entry("sensors enable", async () => (await node()).sensorsEnable),
  entry("sensors disable", async () => (await node()).sensorsDisable),
  entry("sensors rm", async () => (await node()).sensorsRm),
  entry("loglevel get", async () => (await node()).loglevelGet),
  entry("loglevel set", async () => (await node()).loglevelSet),
  entry("eventlog get", async () => (await import("./eventlog.ts")).eventlogGet),
  entry("eventlog set", async () => (await import("./eventlog.ts")).eventlogSet),
  entry("explain", async () => (await import("./explain.ts")).explain),
  entry("bugtool", async () => (await import("./bugtool.ts")).bugtool),
  entry("probe", async () => (await import("./probe.ts")).probe),
  entry("cri version", async () => (await import("./cri.ts")).criVersion),
  entry("cri cgroup_path", async () => (await import("./cri.ts")).criCgroupPath),
  entry("dump processcache", async () => (await node()).dumpProcesses),
  entry("rthooks create-container", async () => (await node()).createContainer),
  entry("policyfilter cgroupid", async () => (await import("./absent.ts")).cgroupId),
  ...Object.entries(absentNames).map(([name, instead]) =>
    entry(name, async () => (await import("./absent.ts")).absentCommand(name, instead)),
  ),
  entry("completion", async () => (await import("./completion.ts")).completion),
];

/** Upstream's other words. */
export const tetraAliases: Readonly<Record<string, string>> = {
  tp: "tracingpolicy",
  log: "loglevel",
  pt: "policytest",
  "debug dump": "dump",
  "debug map": "debug maps",
  "debug top": "debug progs",
};

function entry(name: string, load: () => Promise<Command>): CommandEntry {
  return { name, load };
}
