import { join } from "node:path";
import { goModule, type Item, itemIn, same } from "../../../build/tools/item.ts";
import { tools } from "../../../build/tools/items.ts";

/** The folder of this file, where `build/` and `kernel.config` are. */
export const labDir = import.meta.dirname;

/** The newest line whose module has all that it needs. */
const argocd = { module: "github.com/argoproj/argo-cd/v3", version: "v3.1.16" };

/** What long tests use, beside the rest: built when it is named. */
const onRequest: readonly Item[] = [
  {
    name: "kernel-debian-7.3",
    script: script("kernel-suite.sh"),
    files: {},
    env: { SUITE: "trixie-backports", RELEASE: "7.3.4+deb13-amd64", META: "linux-image-amd64" },
    outputs: { "kernel-debian-7.3": "vmlinuz" },
    needsGo: false,
  },
  // Of the oldest release that the chart's kubeVersion takes.
  kubernetes("oldest-kubernetes", "1.32.13", { "oldest-kube-apiserver": "kube-apiserver" }),
  goModule(
    "helm",
    "helm.sh/helm/v4",
    "v4.3.1",
    { helm: "cmd/helm" },
    { ABOUT: "2 min", LDFLAGS: "-X helm.sh/helm/v4/internal/version.version=v4.3.1" },
  ),
  goSource("kstatus", { ABOUT: "30 s" }),
  goModule(
    "argocd",
    argocd.module,
    argocd.version,
    { argocd: "cmd" },
    { ABOUT: "8 min", LDFLAGS: "-X github.com/argoproj/argo-cd/v3/common.version=3.1.16" },
  ),
  {
    name: "argocd-crds",
    script: script("go-files.sh"),
    files: {},
    env: {
      MODULE: argocd.module,
      VERSION: argocd.version,
      FILES: "manifests/crds/application-crd.yaml manifests/crds/appproject-crd.yaml",
    },
    outputs: same("application-crd.yaml", "appproject-crd.yaml"),
    needsGo: true,
  },
  goSource("miniredis", { ABOUT: "20 s" }),
  goSource("upstream-client", { ABOUT: "1 min" }),
  goSource("otel-collector", { ABOUT: "1 min" }),
  goModule(
    "kustomize",
    "sigs.k8s.io/kustomize/kustomize/v5",
    "v5.8.2",
    { kustomize: "." },
    { ABOUT: "30 s", LDFLAGS: "-X sigs.k8s.io/kustomize/api/provenance.version=v5.8.2" },
  ),
];

/** Every item, in the order in which a build of everything runs. */
export const items: readonly Item[] = [
  ...tools,
  {
    name: "pause",
    script: script("pause.sh"),
    files: { SOURCE: join(labDir, "build/pause.c") },
    env: {},
    outputs: same("pause"),
    needsGo: false,
  },
  goSource("execd"),
  debianKernel("6.12", "linux-image-6.12.117+deb12-amd64", "linux-image-6.12-amd64"),
  debianKernel("6.1", "linux-image-6.1.0-56-amd64", "linux-image-amd64"),
  {
    name: "kernel-lab",
    script: script("kernel-lab.sh"),
    files: { CONFIG: join(labDir, "kernel.config") },
    env: {},
    outputs: { "kernel-lab": "vmlinuz" },
    needsGo: false,
  },
  goModule(
    "etcd",
    "go.etcd.io/etcd/server/v3",
    "v3.6.16",
    { etcd: "." },
    { ABOUT: "1 min", LDFLAGS: "-X go.etcd.io/etcd/api/v3/version.GitSHA=v3.6.16" },
  ),
  goModule(
    "containerd",
    "github.com/containerd/containerd/v2",
    "v2.4.2",
    {
      containerd: "cmd/containerd",
      "containerd-shim-runc-v2": "cmd/containerd-shim-runc-v2",
      ctr: "cmd/ctr",
    },
    {
      ABOUT: "2 min",
      TAGS: "no_btrfs no_zfs",
      LDFLAGS: "-X github.com/containerd/containerd/v2/version.Version=v2.4.2",
    },
  ),
  goModule(
    "runc",
    "github.com/opencontainers/runc",
    "v1.5.2",
    { runc: "." },
    {
      ABOUT: "30 s",
      CGO_ENABLED: "1",
      TAGS: "netgo osusergo seccomp",
      LDFLAGS: "-linkmode external -extldflags -static -X main.version=1.5.2",
    },
  ),
  goModule(
    "cni",
    "github.com/containernetworking/plugins",
    "v1.9.1",
    {
      bridge: "plugins/main/bridge",
      "host-local": "plugins/ipam/host-local",
      loopback: "plugins/main/loopback",
    },
    { ABOUT: "30 s" },
  ),
  kubernetes("kubernetes", "1.37.2", {
    ...same("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"),
  }),
  ...onRequest.map((item) => ({ ...item, onRequest: true as const })),
];

/** The item called `name`; throws with the known names if there is none. */
export function itemNamed(name: string): Item {
  return itemIn(items, name);
}

function script(name: string): string {
  return join(labDir, "build", name);
}

function kubernetes(
  name: string,
  version: string,
  outputs: Readonly<Record<string, string>>,
): Item {
  const env = { VERSION: version, PROGRAMS: Object.values(outputs).join(" ") };
  return { name, script: script("kubernetes.sh"), files: {}, env, outputs, needsGo: true };
}

/** A program whose sources are in `build/NAME`. */
function goSource(name: string, env: Readonly<Record<string, string>> = {}): Item {
  return {
    name,
    script: script("go-source.sh"),
    files: { SOURCE: join(labDir, "build", name) },
    env,
    outputs: same(name),
    needsGo: true,
  };
}

function debianKernel(line: string, pinned: string, newest: string): Item {
  const name = `kernel-debian-${line}`;
  return {
    name,
    script: script("kernel-debian.sh"),
    files: { APT: join(labDir, "apt.sh") },
    env: { PACKAGE: pinned, META: newest },
    outputs: { [name]: "vmlinuz" },
    needsGo: false,
  };
}
