import assert from "node:assert/strict";
import { test } from "node:test";
import { projectNode, projectNodeSets } from "./objects.ts";

const long = "x".repeat(1_000_000);

test("what a node says of its failures is no longer than a status has room for", () => {
  const exception = { set: "s", hash: "h", state: "failed", reason: long, message: long };
  const { report } = projectNodeSets({
    metadata: { name: "n" },
    spec: { sets: ["s"] },
    status: {
      digest: "d",
      exceptions: [exception, { ...exception, reason: "KernelLacks", message: "a\u001b[31m\nb" }],
    },
  });
  const [first, second] = report?.exceptions ?? [];
  assert.equal(first?.reason.length, 64);
  assert.equal(first?.message.length, 320);
  assert.equal(second?.reason, "KernelLacks");
  assert.equal(second?.message, "a\\u001b[31m\nb", "kubectl prints it to terminals");
});

test("what a kubelet says of its kernel is, too", () => {
  const nodeInfo = { kernelVersion: long, architecture: long };
  const node = projectNode({ metadata: { name: "n" }, status: { nodeInfo } });
  assert.deepEqual([node.kernel.length, node.arch.length], [128, 64]);
  const usual = { kernelVersion: "6.12.0-18-cloud-amd64", architecture: "amd64" };
  const { kernel, arch } = projectNode({ metadata: { name: "n" }, status: { nodeInfo: usual } });
  assert.deepEqual([kernel, arch], ["6.12.0-18-cloud-amd64", "amd64"]);
});

test("in how many pods a set was late is read from what a node reports", () => {
  const late = [{ set: "s", pods: 2 }];
  const status = { digest: "d", latePods: 3, late };
  assert.deepEqual(projectNodeSets({ metadata: { name: "n" }, status }).report?.late, late);
});

test("that a node was tampered with is read", () => {
  const read = (status: object) => projectNodeSets({ metadata: { name: "n" }, status }).report;
  assert.equal(read({ tampered: { count: 1, lastTime: "2026-01-02T03:04:00Z" } })?.tampered, true);
  assert.equal(read({ digest: "d" })?.tampered, undefined);
});

test("that a node takes 32-bit system calls is read from what its kernel can do", () => {
  const takes = (...features: readonly string[]) => {
    const status = { digest: "d", kernel: { release: "6.1.0", arch: "x86_64", features } };
    return projectNodeSets({ metadata: { name: "n" }, status }).report?.takesInt80;
  };
  assert.equal(takes("btf", "ia32_emulation"), true);
  assert.equal(takes("btf"), undefined);
});
