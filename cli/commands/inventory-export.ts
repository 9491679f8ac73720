import { type ClusterArgs, clusterOptions, withCluster } from "../cluster/connection.ts";
import { type Command, exit } from "../command.ts";

export const inventoryExport: Command<ClusterArgs> = {
  name: "inventory export",
  positionals: "",
  summary: "Print what generators see of a cluster, as JSON for rego eval",
  examples: ["inventory export > inventory.json", "inventory export --kubeconfig ~/.kube/config"],
  options: clusterOptions,
  run: (args, io) =>
    withCluster(args, io, async ({ connection, signal }) => {
      const { exportInventory } = await import("@guardbee/operator/offline");
      const inventory = await exportInventory(connection, signal);
      io.stdout.write(`${JSON.stringify(inventory, null, 2)}\n`);
      return exit.ok;
    }),
};
