import {
  type Change,
  type Clock,
  type KubeConnection,
  type KubeObject,
  Reflector,
  type Resource,
  resources,
} from "@guardbee/kube";
import type { Logger } from "pino";

type Labels = Readonly<Record<string, string>>;

/** What runs, as Rego sees it: not pods, which come and go, but what makes them. */
export type Workload = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly podLabels: Labels;
  readonly serviceAccount: string;
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    /** `sha256:...`, where the image names one. */
    readonly digest?: string;
  }[];
};

/** Kinds that make pods. A ReplicaSet or Job that something else owns is a part of that. */
export const workloadResources = [
  resources.deployment,
  resources.statefulSet,
  resources.daemonSet,
  resources.replicaSet,
  resources.job,
  resources.cronJob,
] as const;

export type InventoryOptions = {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called for a change that Rego can see. */
  readonly onChange: (namespace: string) => void;
};

/** The workloads of the cluster, followed while `run` lasts. */
export class Inventory {
  readonly #reflectors: readonly Reflector<Workload | undefined>[];
  /** Resolves when every kind has its first list. */
  readonly synced: Promise<unknown>;

  constructor({ connection, clock, log, onChange }: InventoryOptions) {
    this.#reflectors = workloadResources.map(
      (resource) =>
        new Reflector({
          connection,
          resource,
          project: (raw) => projectWorkload(resource, raw),
          onChange: (change) => {
            const namespace = changedIn(change);
            if (namespace !== undefined) onChange(namespace);
          },
          clock,
          log: log.child({ component: resource.plural }),
        }),
    );
    this.synced = Promise.all(this.#reflectors.map((one) => one.synced));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((one) => one.run(signal)));
  }

  /** Sorted by namespace, kind and name; of one namespace when given. */
  workloads(namespace?: string): readonly Workload[] {
    return this.#reflectors
      .flatMap((one) => one.list())
      .filter((one) => one !== undefined)
      .filter((one) => namespace === undefined || one.namespace === namespace)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
}

function keyOf({ namespace, kind, name }: Workload): string {
  return `${namespace}/${kind}/${name}`;
}

/** Status changes of a Deployment come by the second, and nothing that Rego sees is in them. */
function changedIn(change: Change<Workload | undefined>): string | undefined {
  const after = change.type === "set" ? change.value : undefined;
  if (JSON.stringify(change.before) === JSON.stringify(after)) return undefined;
  return (after ?? change.before)?.namespace;
}

type PodTemplate = {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly containers?: readonly { readonly name: string; readonly image?: string }[];
  };
};

/** undefined: it has a controller, which is in the inventory itself. */
export function projectWorkload(resource: Resource, raw: KubeObject): Workload | undefined {
  const { name, namespace = "", labels = {}, ownerReferences = [] } = raw.metadata;
  if (ownerReferences.some(({ controller }) => controller === true)) return undefined;
  const spec = (raw.spec ?? {}) as {
    readonly template?: PodTemplate;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplate } };
  };
  const template = spec.template ?? spec.jobTemplate?.spec?.template;
  return {
    kind: resource.kind,
    namespace,
    name,
    labels,
    podLabels: template?.metadata?.labels ?? {},
    serviceAccount: template?.spec?.serviceAccountName ?? "default",
    containers: (template?.spec?.containers ?? []).map(({ name: container, image = "" }) => {
      const [, digest] = image.split("@");
      return { name: container, image, ...(digest === undefined ? {} : { digest }) };
    }),
  };
}
