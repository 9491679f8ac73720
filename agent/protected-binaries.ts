import { globSync } from "node:fs";

/** Where distributions of Kubernetes keep the services of a node. */
const folders = [
  ...["/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/bin"],
  "/bin", // Talos
  "/home/kubernetes/bin", // GKE
  "/var/lib/k0s/bin",
  "/var/lib/rancher/rke2/bin",
  ...["x86_64", "aarch64"].map((arch) => `/${arch}-bottlerocket-linux-gnu/sys-root/usr/bin`),
] as const;

const services = [
  ...["kubelet", "kubelite", "k3s", "k0s", "rke2"],
  ...["containerd", "containerd-shim", "containerd-shim-runc-v2", "runc", "crun"],
  ...["crio", "conmon", "conmonrs", "dockerd", "docker-init", "cri-dockerd"],
] as const;

/** Folders whose names have a digest or a revision, which updates change: looked up on the host. */
const versionedFolders = [
  ...["/var/lib/rancher/k3s/data/*/bin", "/var/lib/rancher/rke2/data/*/bin"],
  ...["/snap/microk8s/*", "/var/lib/snapd/snap/microk8s/*"].flatMap((snap) => [
    snap,
    `${snap}/bin`,
  ]),
] as const;

const systemServices = [
  ...["systemd", "systemd-executor", "systemd-journald", "systemd-logind", "systemd-networkd"],
  ...["systemd-resolved", "systemd-shutdown", "systemd-udevd"],
] as const;

const elsewhere = [
  ...["/usr/lib/systemd", "/lib/systemd"].flatMap((folder) =>
    systemServices.map((name) => `${folder}/${name}`),
  ),
  ...["/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/libexec/openssh/sshd-session"],
  ...["/usr/bin/dbus-daemon", "/usr/bin/dbus-broker", "/usr/bin/dbus-broker-launch"],
  ...["/sbin/init", "/usr/sbin/init", "/usr/bin/init"],
] as const;

/**
 * Executables of the node's own services: while they run in the host's pid namespace with the host's
 * root folder nothing kills or denies them, whatever a policy says, because that would take the node
 * or every pod on it down. What they start (a container's process, a shell) is not protected: it is
 * another executable. `hostRoot` is where the host's root folder can be read; where it cannot, those
 * in folders with a version are left out.
 */
export function protectedBinaries(hostRoot: string): readonly string[] {
  const fixed = folders.flatMap((folder) => services.map((name) => `${folder}/${name}`));
  const patterns = versionedFolders.map((folder) => `${folder.slice(1)}/{${services.join(",")}}`);
  const versioned = globSync(patterns, { cwd: hostRoot }).map((path) => `/${path}`);
  return [...fixed, ...elsewhere, ...versioned.sort().slice(0, VERSIONED_MAX)];
}

/** The kernel's table has 1,024; the fixed ones are fewer than 256. */
const VERSIONED_MAX = 512;
