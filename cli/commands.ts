import type { Command } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { completion } from "./commands/completion.ts";
import { diff } from "./commands/diff.ts";
import { eventsFollow } from "./commands/events-follow.ts";
import { explain } from "./commands/explain.ts";
import { getevents } from "./commands/getevents.ts";
import { inventoryExport } from "./commands/inventory-export.ts";
import { nodes } from "./commands/nodes.ts";
import { operator } from "./commands/operator.ts";
import { policyCheck } from "./commands/policy-check.ts";
import { regoBuild } from "./commands/rego-build.ts";
import { regoEval } from "./commands/rego-eval.ts";
import { regoTest } from "./commands/rego-test.ts";
import { rollout } from "./commands/rollout.ts";
import { status } from "./commands/status.ts";

/** What `kubectl guardbee` has: commands that ask a cluster, or prepare what is applied to one. */
export const clusterCommands: readonly Command[] = [
  ...[
    status,
    nodes,
    explain,
    diff,
    rollout,
    policyCheck,
    inventoryExport,
    regoTest,
    regoEval,
    regoBuild,
  ],
] as readonly Command[];

/** Every command, in the order of `--help`. */
export const commands: readonly Command[] = [
  getevents,
  eventsFollow,
  ...clusterCommands,
  agent,
  operator,
  completion,
];
