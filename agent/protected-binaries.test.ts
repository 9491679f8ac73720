import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { protectedBinaries } from "./protected-binaries.ts";

const fixed = [
  { where: "a package", path: "/usr/bin/containerd" },
  { where: "GKE", path: "/home/kubernetes/bin/kubelet" },
  { where: "k0s", path: "/var/lib/k0s/bin/containerd-shim-runc-v2" },
  { where: "Bottlerocket", path: "/x86_64-bottlerocket-linux-gnu/sys-root/usr/bin/kubelet" },
  { where: "Talos", path: "/bin/containerd" },
  { where: "systemd", path: "/usr/lib/systemd/systemd" },
  { where: "sshd", path: "/usr/sbin/sshd" },
];
for (const { where, path } of fixed) {
  test(`protected on every node: ${where}, ${path}`, () => {
    assert.ok(protectedBinaries("/nowhere").includes(path));
  });
}

test("in folders with a version, the services that are there are protected", (t) => {
  const root = mkdtempSync("/tmp/guardbee-host-");
  t.after(() => rmSync(root, { recursive: true }));
  const found = [
    "/snap/microk8s/6089/bin/containerd",
    "/snap/microk8s/6089/kubelite",
    "/var/lib/rancher/k3s/data/0a1b/bin/k3s",
    "/var/lib/rancher/rke2/data/v1.31.1-0c/bin/kubelet",
  ];
  for (const path of [...found, "/snap/microk8s/6089/bin/other", "/snap/other/1/bin/kubelet"]) {
    mkdirSync(root + dirname(path), { recursive: true });
    writeFileSync(root + path, "");
  }
  const fixed = new Set(protectedBinaries("/nowhere"));
  assert.deepEqual(
    protectedBinaries(root).filter((path) => !fixed.has(path)),
    found,
  );
});

test("there is room for all of them in the kernel's table", () => {
  assert.ok(protectedBinaries("/nowhere").length < 256);
});
