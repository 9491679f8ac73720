import { type Clock, type KubeConnection, orAborted } from "@guardbee/kube";
import type { RegoPolicy } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Fleet } from "../fleet/fleet.ts";
import { type InventorySnapshot, inventoryNode } from "./generate.ts";
import { Inventory } from "./inventory.ts";

export type InventoryViewOptions = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  /** A workload of this namespace has changed. */
  readonly onChange: (namespace: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What generators see of the cluster. Workloads are followed from the first snapshot to stop. */
export class InventoryView {
  readonly #options: InventoryViewOptions;
  /** Written by #following and stop. */
  #running: { readonly inventory: Inventory; readonly stop: AbortController } | undefined;

  constructor(options: InventoryViewOptions) {
    this.#options = options;
  }

  /** What `policy` sees now: of a namespaced one, its namespace. */
  async snapshot(policy: RegoPolicy, signal: AbortSignal): Promise<InventorySnapshot> {
    const { fleet } = this.#options;
    const inventory = this.#following();
    await orAborted(inventory.synced, signal);
    const all = fleet.namespaces();
    if (policy.kind === "RegoPolicy") {
      const nodes = fleet.nodes().map(inventoryNode);
      return { namespaces: all, nodes, workloads: inventory.workloads() };
    }
    // No nodes: they are shared, and what others run on them shows in their labels.
    const own = policy.metadata.namespace ?? "";
    const namespaces = all.filter(({ name }) => name === own);
    return { namespaces, nodes: [], workloads: inventory.workloads(own) };
  }

  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }

  #following(): Inventory {
    if (this.#running !== undefined) return this.#running.inventory;
    const { connection, clock, log, onChange } = this.#options;
    const stop = new AbortController();
    const inventory = new Inventory({ connection, clock, log, onChange });
    inventory.run(stop.signal).catch((err: unknown) => log.error({ err }, "inventory ended"));
    this.#running = { inventory, stop };
    return inventory;
  }
}
