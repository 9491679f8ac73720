import { createHash } from "node:crypto";
import { shellQuote } from "../shell.ts";
import { apiAddress, execdPort, nodeAddresses, nodePrefixLength } from "./addresses.ts";

/** The variables of guest/node.sh. */
export function nodeEnv(name: string, index: number): string {
  const variables = {
    NODE: name,
    ADDRESS: nodeAddresses(index).address,
    PREFIX: String(nodePrefixLength),
    GATEWAY: apiAddress,
    EXECD_PORT: String(execdPort),
    MACHINE_ID: createHash("sha256").update(name).digest("hex").slice(0, 32),
    PATH_OF_HOST: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  const lines = Object.entries(variables).map(([key, value]) => `${key}=${shellQuote(value)}`);
  return `${lines.join("\n")}\n`;
}

/** Pods on a bridge of the node; the default route leads through the node, without translation. */
export function cniConfig(index: number): string {
  const { podRange, podGateway } = nodeAddresses(index);
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: "lab",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: podRange, gateway: podGateway }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
    ],
  });
}

/** The kubelet's configuration; periods are long because every wake-up is emulated. */
export function kubeletConfig(): string {
  return JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    cgroupDriver: "cgroupfs",
    failSwapOn: false,
    staticPodPath: "/etc/kubernetes/manifests",
    makeIPTablesUtilChains: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: "/etc/kubernetes/ca.crt" },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: "/etc/kubernetes/kubelet.crt",
    tlsPrivateKeyFile: "/etc/kubernetes/kubelet.key",
    resolvConf: "",
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      "memory.available": "40Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
    },
    nodeStatusReportFrequency: "1m",
    runtimeRequestTimeout: "10m",
    syncFrequency: "30s",
    shutdownGracePeriod: "0s",
  });
}

/** containerd's configuration. Collecting statistics every second would cost 13 % of a vCPU a pod. */
export const containerdConfig = `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  stats_collect_period = 3600
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "lab.local/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  stats_collect_period = "1h"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "/opt/lab/bin/runc"
        SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
`;
