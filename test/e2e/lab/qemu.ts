import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "../../../build/tools/cache.ts";

/** A 9p share: the guest mounts `tag`. */
export type Share = { readonly tag: string; readonly path: string; readonly writable: boolean };

/** A machine to run. `icount` makes guest time count instructions, on one processor. */
export type Machine = {
  readonly vmlinuz: string;
  readonly initrd: string;
  readonly consoleLog: string;
  /** A Unix socket where the emulator answers: `info registers -a`. */
  readonly monitor: string;
  readonly shares: readonly Share[];
  readonly cmdline: readonly string[];
  readonly accelerator: Accelerator;
  readonly smp: number;
  readonly memoryMb: number;
  readonly icount: boolean;
  /** A raw disk image, /dev/vda in the guest. */
  readonly disk?: string;
  /** A tap that exists, and the address of the guest's network card. */
  readonly tap?: { readonly name: string; readonly mac: string };
};

export type Accelerator = "kvm" | "tcg";

/** The arguments of qemu-system-x86_64 that run `machine`. */
export function qemuArgs(machine: Machine): string[] {
  const { disk, tap } = machine;
  return [
    ...accelArgs(machine),
    ...["-m", String(machine.memoryMb), "-smp", String(machine.icount ? 1 : machine.smp)],
    ...["-display", "none", "-no-reboot", "-nodefaults"],
    ...["-monitor", `unix:${machine.monitor},server=on,wait=off`],
    ...["-serial", `file:${machine.consoleLog}`],
    ...["-device", "virtio-rng-pci"],
    ...["-kernel", machine.vmlinuz, "-initrd", machine.initrd],
    ...["-append", [...baseCmdline, ...emulatedCmdline(machine), ...machine.cmdline].join(" ")],
    ...machine.shares.flatMap(shareArgs),
    ...(disk === undefined ? [] : ["-drive", `file=${disk},format=raw,if=virtio,cache=unsafe`]),
    ...(tap === undefined ? ["-nic", "none"] : tapArgs(tap)),
  ];
}

/** loglevel: a kernel that hangs says where. tsc=reliable: without it the guest falls back to a slow clock and an idle one costs twice. no_timer_check: a host that is busy does not deliver in time what the kernel waits for at boot, and the guest panics. */
const baseCmdline =
  "console=ttyS0 loglevel=5 panic=-1 mitigations=off lsm=capability,bpf net.ifnames=0 tsc=reliable no_timer_check".split(
    " ",
  );

/**
 * What only an emulated processor needs. A grace period of RCU takes it 30 ms and more when nothing
 * hurries it, and all that makes or removes a container, a link or a slot of tables waits for some.
 */
function emulatedCmdline({ icount, accelerator }: Machine): readonly string[] {
  if (icount || accelerator !== "tcg") return [];
  return ["rcupdate.rcu_expedited=1", ...clockCmdline()];
}

/**
 * An emulated processor counts the host's TSC. A guest that measures its frequency while the host is
 * busy may be wrong by a factor, and with it every clock: kubelet and containerd then run into their
 * time limits. So the host's frequency is passed on where the host's kernel knows it.
 */
function clockCmdline(): readonly string[] {
  const info = readFileSync("/proc/cpuinfo", "utf8");
  const mhz = /^cpu MHz\s*: ([\d.]+)$/m.exec(info)?.[1];
  const known = /^flags\s*:.*\btsc_known_freq\b/m.test(info);
  return mhz !== undefined && known ? [`tsc_early_khz=${Math.round(Number(mhz) * 1_000)}`] : [];
}

function accelArgs(machine: Machine): string[] {
  if (machine.icount) {
    return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max"];
  }
  if (machine.accelerator === "kvm") return ["-accel", "kvm", "-cpu", "host"];
  // Not thread=multi: before QEMU 8.1 one thread can translate code while another changes it, and
  // goes on executing what was there. A kernel that attaches a program then traps for ever at a
  // breakpoint that it has long removed. tb-size in MiB: a node that runs kubelet, containerd and
  // Node.js filled 256 in about 80 s, and all its code was translated again.
  return ["-accel", "tcg,thread=single,tb-size=1024", "-cpu", "max"];
}

function shareArgs(share: Share): string[] {
  const mode = share.writable ? "" : ",readonly=on";
  return [
    "-fsdev",
    `local,id=${share.tag},path=${share.path},security_model=none,multidevs=remap${mode}`,
    "-device",
    `virtio-9p-pci,fsdev=${share.tag},mount_tag=${share.tag}`,
  ];
}

/** No romfile: without it the firmware tries to boot from the network first. */
function tapArgs(tap: { readonly name: string; readonly mac: string }): string[] {
  return [
    "-netdev",
    `tap,id=net0,ifname=${tap.name},script=no,downscript=no`,
    "-device",
    `virtio-net-pci,netdev=net0,mac=${tap.mac},romfile=`,
  ];
}

/**
 * KVM where a guest really boots with it, else TCG: on some machines /dev/kvm is there and guests
 * hang. One probe per boot of the host; GUARDBEE_LAB_ACCEL overrides it.
 */
export function chooseAccelerator(boot: { vmlinuz: string; initrd: string }): Accelerator {
  const forced = process.env.GUARDBEE_LAB_ACCEL;
  if (forced === "kvm" || forced === "tcg") return forced;
  if (!existsSync("/dev/kvm")) return "tcg";
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const memo = join(cacheRoot(), `accelerator-${bootId}`);
  if (existsSync(memo)) return readFileSync(memo, "utf8") === "kvm" ? "kvm" : "tcg";
  const chosen = kvmBoots(boot) ? "kvm" : "tcg";
  mkdirSync(cacheRoot(), { recursive: true });
  writeFileSync(memo, chosen);
  return chosen;
}

function kvmBoots(boot: { vmlinuz: string; initrd: string }): boolean {
  const consoleLog = join("/tmp", `guardbee-lab-probe-${process.pid}`);
  const machine: Machine = {
    ...boot,
    consoleLog,
    monitor: `${consoleLog}.monitor`,
    shares: [],
    cmdline: ["lab.probe"],
    accelerator: "kvm",
    smp: 2,
    memoryMb: 512,
    icount: false,
  };
  const timeout = 12_000;
  spawnSync("qemu-system-x86_64", qemuArgs(machine), { timeout, killSignal: "SIGKILL" });
  const log = existsSync(consoleLog) ? readFileSync(consoleLog, "utf8") : "";
  spawnSync("rm", ["-f", consoleLog]);
  return log.includes("lab-init: probe");
}
