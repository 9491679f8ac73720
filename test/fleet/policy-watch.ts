import { setTimeout as sleep } from "node:timers/promises";
import { type KubeConnection, type KubeObject, Reflector } from "@guardbee/kube";
import { type PolicyStatus, resourceOf } from "@guardbee/policy";
import pino from "pino";

/** A policy as a person waits for it. */
export type Seen = {
  /** Of the generation that is there; Unknown until it has been looked at. */
  readonly ready: "True" | "False" | "Unknown";
  readonly reason: string;
  /** `4987/5000` */
  readonly summary: string;
  readonly statusBytes: number;
};

export type Limit = {
  readonly ms: number;
  readonly what: string;
  /** Throws when there is nothing to wait for any more. */
  readonly check: () => void;
};

const followed = [
  resourceOf("TracingPolicy"),
  resourceOf("TracingPolicyNamespaced"),
  resourceOf("RegoPolicy"),
];

/** Every policy's status, followed as kubectl and Argo CD follow it. */
export class PolicyWatch {
  /** Key → what Ready was over time, each once. Written by the reflectors. */
  readonly #stories = new Map<string, string[]>();
  readonly #reflectors: readonly Reflector<Seen>[];

  constructor(connection: KubeConnection) {
    this.#reflectors = followed.map(
      (resource) =>
        new Reflector({
          connection,
          resource,
          project: see,
          onChange: (change) => {
            if (change.type === "set") this.#note(change.key, change.value.ready);
          },
          log: pino({ level: "warn" }, process.stderr),
        }),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((one) => one.run(signal)));
  }

  get(key: string): Seen | undefined {
    return this.#reflectors.map((one) => one.get(key)).find((seen) => seen !== undefined);
  }

  all(): readonly Seen[] {
    return this.#reflectors.flatMap((one) => one.list());
  }

  /** Forgets how Ready came about; what it is stays the beginning of each story. */
  forgetStories(): void {
    for (const [key, story] of this.#stories) this.#stories.set(key, story.slice(-1));
  }

  /** Policies whose Ready was True, then was not, and was True again; `except` may be Unknown. */
  flaps(except: string): readonly string[] {
    return [...this.#stories].flatMap(([key, story]) => {
      const between = story.slice(story.indexOf("True"), story.lastIndexOf("True"));
      const left = between.filter((ready) => ready !== "True");
      const flapped = key === except ? left.includes("False") : left.length > 0;
      return flapped ? [`${key}: ${story.join(" ")}`] : [];
    });
  }

  /** The policies that are not Ready, and why, for whoever waits. */
  describe(): string {
    const reasons = this.all().map(({ ready, reason, summary }) =>
      ready === "True" ? ready : `${reason} ${summary}`,
    );
    return [...Map.groupBy(reasons, (reason) => reason)]
      .map(([reason, all]) => `${all.length} ${reason}`)
      .join(", ");
  }

  /** Resolves when `want` holds; throws what all policies are after `ms`. */
  async until(want: () => boolean, limit: Limit): Promise<void> {
    const startedAt = performance.now();
    while (!want()) {
      limit.check();
      if (performance.now() - startedAt > limit.ms) {
        throw new Error(`${limit.what}: not within ${limit.ms} ms; policies: ${this.describe()}`);
      }
      await sleep(100);
    }
  }

  #note(key: string, ready: string): void {
    const story = this.#stories.get(key);
    if (story === undefined) this.#stories.set(key, [ready]);
    else if (story.at(-1) !== ready) story.push(ready);
  }
}

function see({ metadata, status }: KubeObject): Seen {
  const { conditions, nodes } = (status ?? {}) as PolicyStatus;
  const found = conditions?.find(({ type }) => type === "Ready");
  const current = found !== undefined && found.observedGeneration === metadata.generation;
  return {
    ready: current ? found.status : "Unknown",
    reason: current ? found.reason : "NotLookedAt",
    summary: nodes?.summary ?? "",
    statusBytes: Buffer.byteLength(JSON.stringify(status ?? {})),
  };
}
