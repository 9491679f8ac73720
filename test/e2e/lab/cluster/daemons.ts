import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processStartTime } from "../process-start-time.ts";
import { stateRoot } from "../state.ts";

/** A process that outlives this one. Its start time tells it from a later one with its id. */
type Daemon = { readonly pid: number; readonly startedAt: string };

/** Starts `command` in the background as `name`, unless it runs. Output goes to logs/`name`.log. */
export function ensureDaemon(
  name: string,
  command: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly listenFd?: number } = {},
): void {
  if (daemonPid(name) !== undefined) return;
  mkdirSync(join(stateRoot(), "pids"), { recursive: true });
  mkdirSync(join(stateRoot(), "logs"), { recursive: true });
  const log = openSync(logPath(name), "a");
  const child = spawn(command[0]!, command.slice(1), {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log, options.listenFd ?? "ignore"],
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`lab: ${name} (${command[0]}) does not start`);
  child.unref();
  const daemon: Daemon = { pid: child.pid, startedAt: processStartTime(child.pid) ?? "" };
  writeFileSync(pidPath(name), JSON.stringify(daemon));
}

/** The process id of `name` while it runs. */
export function daemonPid(name: string): number | undefined {
  if (!existsSync(pidPath(name))) return undefined;
  const daemon: Daemon = JSON.parse(readFileSync(pidPath(name), "utf8"));
  return processStartTime(daemon.pid) === daemon.startedAt ? daemon.pid : undefined;
}

/** Ends `name`: asks, and after `graceMs` insists. Nothing else is touched. */
export async function stopDaemon(name: string, graceMs = 5_000): Promise<void> {
  const pid = daemonPid(name);
  if (pid !== undefined) {
    process.kill(pid, "SIGCONT"); // a stopped process does not see the next signal
    process.kill(pid, "SIGTERM");
    const deadline = performance.now() + graceMs;
    while (daemonPid(name) !== undefined) {
      if (performance.now() > deadline) process.kill(pid, "SIGKILL");
      await sleep(50);
    }
  }
  rmSync(pidPath(name), { force: true });
}

/** Every daemon with a pid file, running or not. */
export function daemonNames(): string[] {
  const dir = join(stateRoot(), "pids");
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}

/** Where the output of `name` goes. */
export function logPath(name: string): string {
  return join(stateRoot(), "logs", `${name}.log`);
}

/** The last `count` lines of the log of `name`. */
export function logTail(name: string, count: number): string {
  return tailOf(logPath(name), count);
}

/** The last `count` lines of a file; empty when it is not there. */
export function tailOf(path: string, count: number): string {
  if (!existsSync(path)) return "";
  return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}

function pidPath(name: string): string {
  return join(stateRoot(), "pids", name);
}
