import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "../build.ts";
import { encodeInitramfs } from "../initramfs.ts";
import { labDir } from "../items.ts";
import { ensureKernel, type KernelName } from "../kernels.ts";
import { chooseAccelerator, type Machine, qemuArgs } from "../qemu.ts";
import { run } from "../run.ts";
import { stateRoot } from "../state.ts";
import { apiAddress, nodeAddresses } from "./addresses.ts";
import { ensureCert, kubeletCert } from "./certs.ts";
import { pkiDir } from "./control-plane.ts";
import { daemonPid, ensureDaemon, stopDaemon } from "./daemons.ts";
import { encodeKubeconfig } from "./kubeconfig.ts";
import { ensureNodeNetwork, insideNetwork, removeNodeNetwork } from "./network.ts";
import { cniConfig, containerdConfig, kubeletConfig, nodeEnv } from "./node-config.ts";

/** A node of the cluster. The index decides its addresses and is never used twice at a time. */
export type Node = {
  readonly name: string;
  readonly index: number;
  readonly kernel: KernelName;
  /** Default 1536. */
  readonly memoryMb?: number;
};

/** The share that the guest sees at /run/lab: configuration in, logs out. */
export function nodeDir(name: string): string {
  return join(stateRoot(), "nodes", name);
}

/** Starts the guest of `node` with a copy of `disk`, unless it runs. */
export async function ensureNode(node: Node, disk: string): Promise<void> {
  if (daemonPid(nodeDaemon(node.name)) !== undefined) return;
  const kernel = await ensureKernel(node.kernel);
  const { busybox } = await ensureBuilt(["busybox"]);
  const dir = nodeDir(node.name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeShare(node, dir);
  const files = `${dir}.files`;
  mkdirSync(files, { recursive: true, mode: 0o700 });
  const boot = { vmlinuz: kernel.vmlinuz, initrd: join(files, "initrd") };
  writeFileSync(boot.initrd, encodeInitramfs(kernel, busybox!));
  await copyDisk(disk, join(files, "disk.img"));
  ensureNodeNetwork(node.index);
  const { tap, mac } = nodeAddresses(node.index);
  const accelerator = chooseAccelerator(boot);
  const machine: Machine = {
    ...boot,
    consoleLog: consoleLogPath(node.name),
    monitor: join(files, "monitor"),
    shares: [
      { tag: "host", path: "/", writable: false },
      { tag: "lab", path: dir, writable: true },
    ],
    cmdline: kernel.modules === undefined ? [] : [`lab.modules=${kernel.modules.root}`],
    accelerator,
    smp: accelerator === "kvm" ? 2 : 1, // all emulated processors take turns in one thread
    memoryMb: node.memoryMb ?? 1536,
    icount: false,
    disk: join(files, "disk.img"),
    tap: { name: tap, mac },
  };
  const command = ["qemu-system-x86_64", ...qemuArgs(machine)];
  ensureDaemon(nodeDaemon(node.name), insideNetwork(command));
}

/** Stops the guest at once and removes its files, tap and route. */
export async function removeNode(node: Node): Promise<void> {
  await stopDaemon(nodeDaemon(node.name), 1_000);
  removeNodeNetwork(node.index);
  rmSync(nodeDir(node.name), { recursive: true, force: true });
  rmSync(`${nodeDir(node.name)}.files`, { recursive: true, force: true });
}

/** Stops the emulator's clock: the node costs nothing and turns NotReady within a minute. */
export function pauseNode(name: string): void {
  signalNode(name, "SIGSTOP");
}

/** Lets a paused node go on. */
export function resumeNode(name: string): void {
  signalNode(name, "SIGCONT");
}

/** Whether the guest's emulator runs, is paused, or is gone. */
export function nodeState(name: string): "running" | "paused" | "stopped" {
  const pid = daemonPid(nodeDaemon(name));
  if (pid === undefined) return "stopped";
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) ? "paused" : "running";
}

/** The kernel's messages. */
export function consoleLogPath(name: string): string {
  return join(`${nodeDir(name)}.files`, "console.log");
}

function signalNode(name: string, signal: NodeJS.Signals): void {
  const pid = daemonPid(nodeDaemon(name));
  if (pid === undefined) throw new Error(`node ${name}: does not run; see status`);
  process.kill(pid, signal);
}

/** The name under which the emulator of a node runs. */
export function nodeDaemon(node: string): string {
  return `node-${node}`;
}

function writeShare(node: Node, dir: string): void {
  const pki = pkiDir();
  const cert = kubeletCert(node.name, node.index);
  ensureCert(pki, cert);
  const server = `https://${apiAddress}:443`;
  const files = {
    "start.sh": readFileSync(join(labDir, "guest/node.sh"), "utf8"),
    "node.env": nodeEnv(node.name, node.index),
    "cni.conflist": cniConfig(node.index),
    "kubelet.yaml": kubeletConfig(),
    "containerd.toml": containerdConfig,
    kubeconfig: encodeKubeconfig(pki, cert.name, server),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  copyFileSync(join(pki, "ca.crt"), join(dir, "ca.crt"));
  copyFileSync(join(pki, `${cert.name}.crt`), join(dir, "kubelet.crt"));
  copyFileSync(join(pki, `${cert.name}.key`), join(dir, "kubelet.key"));
}

/** A sparse copy, shared with the original where the file system can. */
async function copyDisk(from: string, to: string): Promise<void> {
  if (existsSync(to)) rmSync(to);
  const copied = await run(["cp", "--sparse=always", "--reflink=auto", from, to]);
  if (copied.exitCode !== 0) throw new Error(`node disk: cannot be copied: ${copied.stderr}`);
}
