import type { Command } from "./command.ts";

/** A command by its words. It is loaded only when asked for: an agent is not to hold what asks clusters. */
export type CommandEntry = { readonly name: string; readonly load: () => Promise<Command> };

/** What `kubectl guardbee` has: commands that ask a cluster, or prepare what is applied to one. */
export const clusterCommands: readonly CommandEntry[] = [
  entry("status", async () => (await import("./commands/status.ts")).status),
  entry("nodes", async () => (await import("./commands/nodes.ts")).nodes),
  entry("explain", async () => (await import("./commands/explain.ts")).explain),
  entry("diff", async () => (await import("./commands/diff.ts")).diff),
  entry("rollout", async () => (await import("./commands/rollout.ts")).rollout),
  entry("learn", async () => (await import("./commands/learn.ts")).learn),
  entry("proposals", async () => (await import("./commands/proposals.ts")).proposals),
  entry("uninstall", async () => (await import("./commands/uninstall.ts")).uninstall),
  entry("policy check", async () => (await import("./commands/policy-check.ts")).policyCheck),
  entry(
    "inventory export",
    async () => (await import("./commands/inventory-export.ts")).inventoryExport,
  ),
  entry("rego test", async () => (await import("./commands/rego-test.ts")).regoTest),
  entry("rego eval", async () => (await import("./commands/rego-eval.ts")).regoEval),
  entry("rego build", async () => (await import("./commands/rego-build.ts")).regoBuild),
];

/** Every command, in the order of `--help`. */
export const commands: readonly CommandEntry[] = [
  entry("getevents", async () => (await import("./commands/getevents.ts")).getevents),
  entry("events follow", async () => (await import("./commands/events-follow.ts")).eventsFollow),
  entry("top", async () => (await import("./commands/top.ts")).top),
  entry("replay", async () => (await import("./commands/replay.ts")).replay),
  ...clusterCommands,
  entry("agent", async () => {
    const { refusingUpstreamFlags } = await import("./commands/upstream-flags.ts");
    return refusingUpstreamFlags((await import("./commands/agent.ts")).agent);
  }),
  entry("operator", async () => (await import("./commands/operator.ts")).operator),
  entry("completion", async () => (await import("./commands/completion.ts")).completion),
];

/** Those that begin with the first word of `argv`; all of them where none does, as for `--help`; none for `--version`. */
export function loadCommands(
  entries: readonly CommandEntry[],
  argv: readonly string[],
): Promise<readonly Command[]> {
  if (argv[0] === "--version") return Promise.resolve([]);
  const asked = entries.filter(({ name }) => name.split(" ")[0] === argv[0]);
  return Promise.all((asked.length > 0 ? asked : entries).map(({ load }) => load()));
}

/** What comes of its options is each command's own type. */
function entry<Args>(name: string, load: () => Promise<Command<Args>>): CommandEntry {
  return { name, load: load as () => Promise<Command> };
}
