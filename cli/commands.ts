import type { Command } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { completion } from "./commands/completion.ts";
import { eventsFollow } from "./commands/events-follow.ts";
import { getevents } from "./commands/getevents.ts";
import { inventoryExport } from "./commands/inventory-export.ts";
import { operator } from "./commands/operator.ts";
import { policyCheck } from "./commands/policy-check.ts";
import { regoBuild } from "./commands/rego-build.ts";
import { regoEval } from "./commands/rego-eval.ts";
import { regoTest } from "./commands/rego-test.ts";

/** Every command, in the order of `--help`. */
export const commands: readonly Command[] = [
  getevents,
  eventsFollow,
  policyCheck,
  inventoryExport,
  regoTest,
  regoEval,
  regoBuild,
  agent,
  operator,
  completion,
];
