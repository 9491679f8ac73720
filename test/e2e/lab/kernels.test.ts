import assert from "node:assert/strict";
import { test } from "node:test";
import { loadOrder, parseModulesDep } from "./kernels.ts";

const table = parseModulesDep(`kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet.ko:
kernel/fs/netfs/netfs.ko:
kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko
`);

test("loadOrder puts what a module needs before it, each once", () => {
  assert.deepEqual(loadOrder(table, ["9pnet-virtio", "9p"]), [
    "kernel/net/9p/9pnet.ko",
    "kernel/net/9p/9pnet_virtio.ko",
    "kernel/fs/netfs/netfs.ko",
    "kernel/fs/9p/9p.ko",
  ]);
});

test("loadOrder leaves out what is compiled in", () => {
  assert.deepEqual(loadOrder(table, ["virtio_pci"]), []);
});
