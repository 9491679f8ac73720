/** QoS classes with a folder of their own; pods of class Guaranteed sit directly under the root. */
const QOS_CLASSES = ["burstable", "besteffort"] as const;

const POD_ROOT = /^(?:[\w.-]+-)?kubepods(?:\.slice)?$/;
const POD_CGROUPFS = /^pod([0-9a-f-]{32,36})$/;
const POD_SYSTEMD = /-pod([0-9a-f_]{32,36})\.slice$/;
const CONTAINER = /^(?:(?:cri-containerd|containerd|crio|docker)-)?([0-9a-f]{64})(?:\.scope)?$/;

/** Whether a folder is where kubelet makes pods, with either driver and any `--cgroup-root`. */
export function isPodRoot(name: string): boolean {
  return POD_ROOT.test(name);
}

/** Whether `name` is a QoS class folder inside the pod root `root` (both base names). */
export function isQosFolder(root: string, name: string): boolean {
  return QOS_CLASSES.some((qos) => name === qosFolder(root, qos));
}

/**
 * The pod uid in a pod folder's name, or undefined when it is no pod folder. A static pod's uid is
 * 32 hex digits without dashes, on both drivers.
 */
export function parsePodFolder(name: string): string | undefined {
  return POD_CGROUPFS.exec(name)?.[1] ?? POD_SYSTEMD.exec(name)?.[1]?.replaceAll("_", "-");
}

/**
 * The container id in a folder's name, or undefined. Names as containerd, CRI-O and cri-dockerd
 * give; `crio-conmon-<id>` is CRI-O's monitor and belongs to the pod, not to the container.
 */
export function parseContainerFolder(name: string): string | undefined {
  return CONTAINER.exec(name)?.[1];
}

/** Where below the pod root `root` (a base name) the folder of pod `uid` may be; one exists at most. */
export function podFolderCandidates(root: string, uid: string): readonly string[] {
  const stem = systemdStem(root);
  const leaf = (prefix: string) =>
    stem === undefined ? `pod${uid}` : `${prefix}-pod${uid.replaceAll("-", "_")}.slice`;
  return [
    leaf(stem ?? ""),
    ...QOS_CLASSES.map((qos) => `${qosFolder(root, qos)}/${leaf(`${stem}-${qos}`)}`),
  ];
}

function qosFolder(root: string, qos: (typeof QOS_CLASSES)[number]): string {
  const stem = systemdStem(root);
  return stem === undefined ? qos : `${stem}-${qos}.slice`;
}

/** `kubelet-kubepods` of `kubelet-kubepods.slice`; undefined with the cgroupfs driver. */
function systemdStem(root: string): string | undefined {
  return root.endsWith(".slice") ? root.slice(0, -".slice".length) : undefined;
}
