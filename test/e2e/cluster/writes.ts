import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { inPod, patienceMs } from "../guardbee.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectlPath } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";

/** What became of a process that wrote to a file: `refused` is an error, and the process went on. */
export type Write = "allowed" | "killed" | "refused";

/** Lets a process in a pod write to `path`, and looks at what the file has then. */
export async function writeIn(pod: string, path: string): Promise<Write> {
  const script = `rm -f ${path}; /bin/bash -c 'echo written >${path} || echo "went on"' 2>&1; echo $?; cat ${path}`;
  const { stdout, stderr } = await inPod(pod, script);
  if (stdout === "0\nwritten\n") return "allowed";
  if (/^137\n$/m.test(stdout)) return "killed";
  if (/Operation not permitted\nwent on\n0\n$/.test(stdout)) return "refused";
  throw new Error(
    `write to ${path} in ${pod}: neither written, refused nor killed:\n${stdout}${stderr}`,
  );
}

/** Waits until writes to `path` come to `wanted`. */
export async function writesBecome(pod: string, path: string, wanted: Write): Promise<void> {
  let last: Write | undefined;
  await waitFor(
    `a write to ${path} in ${pod} to be ${wanted}`,
    async () => {
      last = await writeIn(pod, path);
      return last === wanted || undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500, detail: () => `is ${last}` },
  );
}

export type Attempt = { readonly path: string; readonly allowed: boolean };

/** Processes of a pod that write to paths in turn, as fast as they can. */
export class Hammer {
  /** In order. Written by the reader of the shell's output and `forget`. */
  #attempts: Attempt[] = [];
  readonly #pod: string;
  readonly #stop: () => void;

  /** Begins, each write from a process of its own, which is not pid 1. */
  static async start(pod: string, paths: readonly string[]): Promise<Hammer> {
    return new Hammer(pod, paths, await kubectlPath());
  }

  private constructor(pod: string, paths: readonly string[], kubectl: string) {
    const each = 'if (echo x >>"$p"); then echo "$p"; else echo "-$p"; fi';
    const script = `touch /tmp/hammer; while [ -e /tmp/hammer ]; do for p; do ${each}; done; done`;
    const child = spawn(kubectl, ["exec", pod, "--", "/bin/sh", "-c", script, "sh", ...paths], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, KUBECONFIG: kubeconfigPath() },
    });
    createInterface(child.stdout).on("line", (line) => {
      this.#attempts.push({ path: line.replace(/^-/, ""), allowed: !line.startsWith("-") });
    });
    process.once("exit", () => child.kill("SIGKILL"));
    for (const one of [child, child.stdout as Socket]) one.unref(); // a test that failed ends
    this.#pod = pod;
    this.#stop = () => child.kill("SIGKILL");
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  forget(): void {
    this.#attempts = [];
  }

  /** Waits for an attempt from now on that is like `wanted`. */
  async until(wanted: Attempt): Promise<void> {
    const from = this.#attempts.length;
    await waitFor(
      `${wanted.path} in ${this.#pod} to be ${wanted.allowed ? "open" : "closed"}`,
      async () =>
        this.#attempts
          .slice(from)
          .some((each) => each.path === wanted.path && each.allowed === wanted.allowed) ||
        undefined,
      { timeoutMs: patienceMs, everyMs: 100 },
    );
  }

  async stop(): Promise<void> {
    await inPod(this.#pod, "rm -f /tmp/hammer");
    this.#stop();
  }
}
