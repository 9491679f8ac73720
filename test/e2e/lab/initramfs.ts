import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type CpioEntry, encodeCpio } from "./cpio.ts";
import { labDir } from "./items.ts";
import { type Kernel, moduleFiles } from "./kernels.ts";

/** What init.sh calls; busybox answers to each name. */
const applets =
  "sh mount mkdir cat cp cut echo grep ifconfig insmod ln poweroff sed sleep switch_root".split(
    " ",
  );

/** What a guest needs before its root is there: 9p for the root, ext4 and a network for nodes. */
const earlyModules =
  "virtio_pci 9pnet_virtio 9p overlay virtio_net virtio_blk virtio_rng bridge veth ext4".split(" ");

/** The initramfs for `kernel`: busybox, init.sh and the modules that the root needs. */
export function encodeInitramfs(kernel: Kernel, busybox: string): Buffer {
  const modules = kernel.modules === undefined ? [] : moduleFiles(kernel.modules, earlyModules);
  const order = modules.map((path) => `${basename(path)}\n`).join("");
  const dirs = ["bin", "proc", "sys", "dev", "modules"];
  return encodeCpio([
    ...dirs.map((path): CpioEntry => ({ kind: "dir", path })),
    file("bin/busybox", 0o755, busybox),
    ...applets.map((name): CpioEntry => ({ kind: "link", path: `bin/${name}`, target: "busybox" })),
    file("init", 0o755, join(labDir, "guest/init.sh")),
    { kind: "file", path: "modules/order", mode: 0o644, data: Buffer.from(order) },
    ...modules.map((path) => file(`modules/${basename(path)}`, 0o644, path)),
  ]);
}

function file(path: string, mode: number, source: string): CpioEntry {
  return { kind: "file", path, mode, data: readFileSync(source) };
}
