import { connect } from "@guardbee/kube";
import { type Command, exit } from "../command.ts";

export type InventoryExportArgs = { readonly kubeconfig: string | undefined };

export const inventoryExport: Command<InventoryExportArgs> = {
  name: "inventory export",
  positionals: "",
  summary: "Print what generators see of a cluster, as JSON for rego eval",
  examples: ["inventory export > inventory.json", "inventory export --kubeconfig ~/.kube/config"],
  options: (yargs) =>
    yargs.option("kubeconfig", {
      type: "string",
      describe: "How to reach the cluster [default: from inside it, else KUBECONFIG]",
    }),
  async run({ kubeconfig }, io) {
    const { exportInventory } = await import("@guardbee/operator");
    try {
      const connection = await connect(kubeconfig === undefined ? {} : { kubeconfig });
      try {
        const inventory = await exportInventory(connection, io.signal);
        io.stdout.write(`${JSON.stringify(inventory, null, 2)}\n`);
        return exit.ok;
      } finally {
        connection.close();
      }
    } catch (error) {
      io.signal.throwIfAborted();
      io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return exit.unreachable;
    }
  },
};
