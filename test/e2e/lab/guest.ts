// Runs one command on one kernel in a guest that sees the host's files.
//   node test/e2e/lab/guest.ts --kernel lab [--icount] [--smp N] [--memory MB] [--out DIR]
//     [--timeout SECONDS] [--append 'KERNEL PARAMETERS'] -- COMMAND [ARG...]
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./build.ts";
import { encodeInitramfs } from "./initramfs.ts";
import { ensureKernel, type KernelName, parseKernelName } from "./kernels.ts";
import { chooseAccelerator, type Machine, qemuArgs } from "./qemu.ts";
import { shellQuote } from "./shell.ts";
import { guestPrefix } from "./state.ts";

export type GuestRun = {
  readonly kernel: KernelName;
  /** Program and arguments, found on the host's PATH. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; a path of the host, read-only underneath: writes are lost at the end. */
  readonly cwd?: string;
  /** A folder of the host that the guest writes, at /out. Default: none. */
  readonly writableDir?: string;
  /** Default 10 minutes: everything is slow under emulation. */
  readonly timeoutMs?: number;
  /** Count instructions: a guest nanosecond is one instruction. One processor. Default false. */
  readonly icount?: boolean;
  /** Default 2. */
  readonly smp?: number;
  /** Default 2048. */
  readonly memoryMb?: number;
  /** More parameters of the kernel; of one that every guest has, this value counts: `lsm=capability`. */
  readonly parameters?: string;
  /** Called with output as it comes. */
  readonly onOutput?: (chunk: string) => void;
};

/** `exitCode` is undefined when the guest ended without a result: see `console`. */
export type GuestResult = {
  readonly exitCode: number | undefined;
  /** Standard output and standard error, interleaved. */
  readonly output: string;
  /** The kernel's messages. */
  readonly console: string;
  readonly timedOut: boolean;
};

/** Boots `run.kernel`, runs the command as root, powers off. About 3 s beside the command. */
export async function runInGuest(run: GuestRun): Promise<GuestResult> {
  const dir = mkdtempSync(guestPrefix());
  const tidy = (): void => rmSync(dir, { recursive: true, force: true });
  process.once("exit", tidy);
  try {
    const machine = await prepareGuest(run, dir);
    // The emulator goes when this process does, whatever ends it.
    const command = ["--pdeathsig", "KILL", "qemu-system-x86_64", ...qemuArgs(machine)];
    const child = spawn("setpriv", command, { stdio: ["ignore", "ignore", "pipe"] });
    return await followGuest(child, dir, run);
  } finally {
    process.off("exit", tidy);
    tidy();
  }
}

async function prepareGuest(run: GuestRun, dir: string): Promise<Machine> {
  const kernel = await ensureKernel(run.kernel);
  const { busybox } = await ensureBuilt(["busybox"]);
  const initrd = join(dir, "initrd");
  writeFileSync(initrd, encodeInitramfs(kernel, busybox!));
  writeFileSync(join(dir, "start.sh"), startScript(run));
  writeFileSync(join(dir, "output"), "");
  const modules = kernel.modules === undefined ? [] : [`lab.modules=${kernel.modules.root}`];
  const cmdline = [...modules, ...(run.parameters === undefined ? [] : [run.parameters])];
  const out = run.writableDir;
  return {
    vmlinuz: kernel.vmlinuz,
    initrd,
    consoleLog: join(dir, "console.log"),
    monitor: join(dir, "monitor"),
    shares: [
      { tag: "host", path: "/", writable: false },
      { tag: "lab", path: dir, writable: true },
      ...(out === undefined ? [] : [{ tag: "out", path: out, writable: true }]),
    ],
    cmdline: out === undefined ? cmdline : [...cmdline, "lab.out"],
    accelerator: run.icount ? "tcg" : chooseAccelerator({ vmlinuz: kernel.vmlinuz, initrd }),
    smp: run.smp ?? 2,
    memoryMb: run.memoryMb ?? 2048,
    icount: run.icount ?? false,
  };
}

/** The guest's last script: PID 1, so the command is its child and its end is the guest's end. */
function startScript(run: GuestRun): string {
  const env = { PATH: process.env.PATH ?? "/usr/bin", HOME: "/root", LANG: "C.UTF-8", ...run.env };
  const assignments = Object.entries(env).map(
    ([key, value]) => `export ${key}=${shellQuote(value)}`,
  );
  return `${assignments.join("\n")}
cd ${shellQuote(run.cwd ?? process.cwd())} || cd /
( exec ${run.command.map(shellQuote).join(" ")} ) </dev/null >>/run/lab/output 2>&1
echo $? >/run/lab/exit-code
/run/busybox poweroff -f
`;
}

async function followGuest(child: ChildProcess, dir: string, run: GuestRun): Promise<GuestResult> {
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  let ended = false;
  const end = new Promise<void>((resolve, reject) => {
    child.once("error", reject).once("close", () => resolve());
  }).finally(() => {
    ended = true;
  });
  const deadline = performance.now() + (run.timeoutMs ?? 600_000);
  const forward = outputForwarder(join(dir, "output"), run.onOutput);
  let timedOut = false;
  while (!ended) {
    await Promise.race([end, sleep(100)]);
    forward();
    if (performance.now() > deadline && !timedOut) {
      timedOut = true;
      child.kill("SIGKILL");
    }
  }
  forward();
  const exitCode = Number.parseInt(read(join(dir, "exit-code")), 10);
  return {
    exitCode: Number.isNaN(exitCode) ? undefined : exitCode,
    output: read(join(dir, "output")),
    console: read(join(dir, "console.log")) + complaints,
    timedOut,
  };
}

/** Each call passes on what the file has gained since the last one. */
function outputForwarder(path: string, onOutput: GuestRun["onOutput"]): () => void {
  if (onOutput === undefined) return () => undefined;
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(65_536);
  let offset = 0;
  return () => {
    const fd = openSync(path, "r");
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, offset);
      if (count === 0) break;
      offset += count;
      onOutput(decoder.decode(buffer.subarray(0, count), { stream: true }));
    }
    closeSync(fd);
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      kernel: { type: "string", default: "lab" },
      icount: { type: "boolean", default: false },
      smp: { type: "string", default: "2" },
      memory: { type: "string", default: "2048" },
      out: { type: "string" },
      timeout: { type: "string", default: "600" },
      append: { type: "string" },
    },
  });
  const result = await runInGuest({
    kernel: parseKernelName(values.kernel),
    command: positionals,
    ...(values.out === undefined ? {} : { writableDir: values.out }),
    ...(values.append === undefined ? {} : { parameters: values.append }),
    timeoutMs: Number(values.timeout) * 1000,
    icount: values.icount,
    smp: Number(values.smp),
    memoryMb: Number(values.memory),
    onOutput: (chunk) => process.stdout.write(chunk),
  });
  if (result.exitCode !== undefined) return result.exitCode;
  const why = result.timedOut ? `no end after ${values.timeout} s` : "the guest ended early";
  process.stderr.write(`guest on ${values.kernel}: ${why}; its console:\n${result.console}\n`);
  return 125;
}

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  process.exitCode = await main(process.argv.slice(2));
}
