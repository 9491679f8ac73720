import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import yargs, { type Argv } from "yargs";
import { optionNames } from "./command.ts";
import { agent } from "./commands/agent.ts";

const values = new URL("../config/helm/guardbee/values.schema.json", import.meta.url);

/** What the chart sets itself, from other values and from what it mounts. */
const own = [
  ...["help", "version", "policy", "kube", "node-name", "procfs", "cgroup-root", "bpffs"],
  ...[
    "config-dir",
    "enable-k8s-api",
    "state-dir",
    "events-file",
    "export-filename",
    "events-socket",
    "health-port",
    "log-level",
    "debug",
    "tracing-policy",
    "tracing-policy-dir",
  ],
];

test("agent.flags of the chart may have each flag of the agent that the chart does not set", () => {
  const schema = JSON.parse(readFileSync(values, "utf8"));
  const allowed = schema.properties.agent.properties.flags.propertyNames.enum as string[];
  const names = optionNames(agent.options(yargs([])) as Argv).filter((name) => !own.includes(name));
  assert.deepEqual(allowed, [...new Set(names)].sort());
});
