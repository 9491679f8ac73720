/**
 * Executables of the node's own services: while they run in the host's pid namespace nothing kills
 * or denies them, whatever a policy says, because that would take the node or every pod on it down.
 * What they start (a container's process, a shell) is not protected: it is another executable.
 */
export const protectedBinaries: readonly string[] = [
  "/usr/bin",
  "/usr/local/bin",
  "/usr/sbin",
  "/opt/bin",
].flatMap((folder) =>
  [
    "kubelet",
    "containerd",
    "containerd-shim",
    "containerd-shim-runc-v2",
    "runc",
    "crun",
    "crio",
    "conmon",
    "dockerd",
    "docker-init",
    "k3s",
    "cri-dockerd",
  ].map((name) => `${folder}/${name}`),
);
