import {
  type Clock,
  type KubeConnection,
  type KubeObject,
  Loop,
  metadataOnly,
  objectPath,
  resources,
} from "@guardbee/kube";
import type { Logger } from "pino";

export type NodeLabelsOptions = {
  readonly connection: KubeConnection;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0,1), for jitter; default Math.random. */
  readonly random?: () => number;
};

type Labels = Readonly<Record<string, string>>;

const REFRESH_MS = 3_600_000;

/** The labels of this machine's Node, for events: asked for at the start and about every hour. */
export class NodeLabels {
  readonly #options: NodeLabelsOptions;
  /** Written by `run`. */
  #labels: Labels | undefined;

  constructor(options: NodeLabelsOptions) {
    this.#options = options;
  }

  /** undefined until they are known. The same object until it is asked again. */
  labels(): Labels | undefined {
    return this.#labels;
  }

  /** Keeps them up to date until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random = Math.random } = this.#options;
    const loop = new Loop({
      step: async (within) => {
        this.#labels = await this.#ask(within);
        return { againInMs: REFRESH_MS * (0.5 + random()) };
      },
      failure: "the labels of the node are not known; events have none",
      ...{ random, clock, log },
    });
    await loop.run(signal);
  }

  async #ask(signal: AbortSignal): Promise<Labels> {
    const { connection, nodeName } = this.#options;
    const { metadata } = await connection.request<KubeObject>(
      {
        path: objectPath(resources.node, { name: nodeName }),
        accept: metadataOnly.watch,
      },
      signal,
    );
    return metadata.labels ?? {};
  }
}
