/** A running container and the pod it belongs to, as far as events show them. */
export type PodContainer = {
  readonly pod: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    /** Absent where nobody asked for them. */
    readonly annotations?: Readonly<Record<string, string>>;
    /** Name and kind of what made the pod: a Deployment, a CronJob, the pod itself. */
    readonly workload: string;
    readonly workloadKind: string;
  };
  /** Absent for the pod's sandbox, which is no container of the pod's spec. */
  readonly container?: {
    /** With the runtime's prefix: `containerd://<64 hex digits>`. */
    readonly id: string;
    readonly name: string;
    readonly image: { readonly id: string; readonly name: string };
    /** RFC 3339, as kubelet reports it. */
    readonly startTime?: string;
    readonly privileged: boolean;
    /** Commands of its liveness and readiness probes; absent where it has none that are commands. */
    readonly execProbes?: readonly (readonly string[])[];
  };
};

/**
 * Who lives in a cgroup. The same object as long as nothing about the container changed; undefined
 * while the pod, or which of its containers this is, is not known. Asked for each new process image
 * and again every 200 ms while events wait for the answer, so it must be a look-up in memory.
 */
export type PodLookup = {
  byCgroup(cgroupId: bigint): PodContainer | undefined;
};
