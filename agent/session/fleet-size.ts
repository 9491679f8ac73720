import {
  type Clock,
  collectionPath,
  type KubeConnection,
  Loop,
  metadataOnly,
  type Page,
} from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy/sets";
import type { Logger } from "pino";

export type FleetSizeOptions = {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0,1), for jitter. */
  readonly random: () => number;
};

const REFRESH_MS = 3_600_000;
const RETRY_MS = 90_000;

/**
 * How many nodes have an agent, from what an API server says is left of a list of one NodePolicySet
 * (`remainingItemCount`, stable since Kubernetes 1.29, an estimate). Asked for at the start and about
 * every hour: a fleet grows by agents that start.
 */
export class FleetSize {
  readonly #options: FleetSizeOptions;
  /** 0 until it is known. Written by `run`. */
  #nodes = 0;

  constructor(options: FleetSizeOptions) {
    this.#options = options;
  }

  nodes(): number {
    return this.#nodes;
  }

  /** Keeps it up to date until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#options;
    const loop = new Loop({
      step: async (within) => {
        this.#nodes = await this.#ask(within);
        return { againInMs: REFRESH_MS * (0.5 + random()) };
      },
      failure: "the size of the fleet is not known",
      level: "debug",
      backOff: { firstMs: RETRY_MS, maxMs: RETRY_MS },
      ...{ random, clock, log },
    });
    await loop.run(signal);
  }

  async #ask(signal: AbortSignal): Promise<number> {
    const { items, metadata } = await this.#options.connection.request<Page>(
      {
        path: collectionPath(resourceOf("NodePolicySet")),
        query: { limit: 1 },
        accept: metadataOnly.list,
      },
      signal,
    );
    return (items?.length ?? 0) + (metadata.remainingItemCount ?? 0);
  }
}
