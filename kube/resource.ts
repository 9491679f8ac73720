/** One kind of object at one API version, as paths and bodies need it. */
export type Resource = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in paths. */
  readonly plural: string;
  readonly namespaced: boolean;
};

/** An object as the API server gives it; everything but metadata is unparsed. */
export type KubeObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
};

export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  /** Who last wrote which fields, and when. */
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly subresource?: string;
    readonly time?: string;
  }[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

/** Identity of one object of a known kind. */
export type ObjectRef = { readonly name: string; readonly namespace?: string };

/** `v1` or `group/version`. */
export function apiVersion(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** Path of the collection; of one namespace when given, else of all. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${apiVersion(resource)}${within}/${resource.plural}`;
}

/** Path of one object, or of its `subresource`. */
export function objectPath(resource: Resource, ref: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `namespace/name`, or `name` for a cluster object: the key of reflectors and queues. */
export function objectKey(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}

const apps = { group: "apps", version: "v1" } as const;
const batch = { group: "batch", version: "v1" } as const;

/** Kubernetes' own kinds that we read and write. */
export const resources = {
  node: { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false },
  pod: { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true },
  namespace: {
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
  },
  configMap: {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    namespaced: true,
  },
  secret: { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true },
  deployment: { ...apps, kind: "Deployment", plural: "deployments", namespaced: true },
  statefulSet: { ...apps, kind: "StatefulSet", plural: "statefulsets", namespaced: true },
  daemonSet: { ...apps, kind: "DaemonSet", plural: "daemonsets", namespaced: true },
  replicaSet: { ...apps, kind: "ReplicaSet", plural: "replicasets", namespaced: true },
  job: { ...batch, kind: "Job", plural: "jobs", namespaced: true },
  cronJob: { ...batch, kind: "CronJob", plural: "cronjobs", namespaced: true },
  lease: {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
    plural: "leases",
    namespaced: true,
  },
} as const satisfies Record<string, Resource>;

/** What a request accepts that wants no `spec` and `status`, of a list and of a watch. */
export const metadataOnly = {
  list: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  watch: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
} as const;
