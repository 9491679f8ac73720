// One fleet, for trying out; nothing is recorded.
//   node bench/fleet/main.ts [--nodes 100] [--policies 20] [--namespaces 50] [--workloads 200] [--idle 30]
import { parseArgs } from "node:util";
import { bundleApp } from "../../build/images/bundle.ts";
import { appFolder, root } from "../app-folder.ts";
import { measureFleet } from "./measure.ts";

const number = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    nodes: number("100"),
    policies: number("20"),
    namespaces: number("50"),
    workloads: number("200"),
    idle: number("30"),
  },
});
const [nodes, policies, namespaces, workloads, idle] = [
  ...[values.nodes, values.policies, values.namespaces, values.workloads, values.idle].map(Number),
] as [number, number, number, number, number];
await bundleApp(root, appFolder, ["test/fleet/operator.ts"]);
const startedAt = performance.now();
await measureFleet({ nodes, policies, namespaces, workloads, idleMs: idle * 1_000 }, (message) => {
  const at = `[${Math.round((performance.now() - startedAt) / 1_000)} s]`;
  if ("progress" in message) console.log(at, message.progress);
  else console.log(at, message.value, message.number, message.method);
});
