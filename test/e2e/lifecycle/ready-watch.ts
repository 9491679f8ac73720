import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { patienceMs } from "../guardbee.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectlPath } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";

/** Every status of a policy's Ready that `kubectl get --watch` shows, begun again when it ends. */
export class ReadyWatch {
  /** In order. Written by `#watchOnce`. */
  readonly #seen: string[] = [];
  readonly #ref: string;
  readonly #stop = new AbortController();

  static async start(ref: string): Promise<ReadyWatch> {
    const watch = new ReadyWatch(ref);
    watch.#watch(await kubectlPath());
    await watch.sees();
    return watch;
  }

  private constructor(ref: string) {
    this.#ref = ref;
  }

  get seen(): readonly string[] {
    return this.#seen;
  }

  /** Waits until something was seen at all. */
  async sees(): Promise<void> {
    const any = async () => this.#seen.length > 0 || undefined;
    await waitFor(`a watch on ${this.#ref}`, any, { timeoutMs: patienceMs, everyMs: 100 });
  }

  stop(): void {
    this.#stop.abort();
  }

  async #watch(kubectl: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#watchOnce(kubectl);
      await sleep(200);
    }
  }

  #watchOnce(kubectl: string): Promise<void> {
    const path = '{.status.conditions[?(@.type=="Ready")].status}{"\\n"}';
    const args = ["get", this.#ref, "--watch", "-o", `jsonpath=${path}`];
    const child = spawn(kubectl, args, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, KUBECONFIG: kubeconfigPath() },
      signal: this.#stop.signal,
    });
    createInterface(child.stdout).on("line", (line) => void this.#seen.push(line));
    child.on("error", () => undefined); // the abort of stop()
    return new Promise((resolve) => void child.on("close", () => resolve()));
  }
}
