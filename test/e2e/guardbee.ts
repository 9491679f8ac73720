import { join } from "node:path";
import { repositoryRoot } from "../../build/root.ts";
import { kubeconfigPath } from "./lab/cluster/control-plane.ts";
import { kubectl, kubectlOutput } from "./lab/cluster/kubectl.ts";
import { waitFor } from "./lab/progress.ts";
import { type RunResult, run } from "./lab/run.ts";

export const systemNamespace = "guardbee-system";
export const examples = join(repositoryRoot, "config/examples");
export const manifests = join(repositoryRoot, "test/e2e/manifests");

/** Everything is slow under emulation, and slower when the machine has other work. */
export const patienceMs = 300_000;

/** Installs Guardbee as the README says, and waits until operator and agents are ready. */
export async function install(): Promise<void> {
  await kubectlOutput(["apply", "--server-side", "-k", join(repositoryRoot, "config/default")]);
  await rolledOut();
}

/** Waits until operator and agents are ready, each of the newest version. */
export async function rolledOut(): Promise<void> {
  const timeout = `--timeout=${patienceMs / 1000}s`;
  await rollout("daemonset/guardbee-agent", timeout);
  await rollout("deployment/guardbee-operator", timeout);
}

async function rollout(workload: string, timeout: string): Promise<void> {
  await kubectlOutput(["-n", systemNamespace, "rollout", "status", workload, timeout]);
}

/** Applies files and waits until each policy in them is Ready. */
export async function applyPolicies(...files: readonly string[]): Promise<void> {
  const args = files.flatMap((file) => ["-f", file]);
  await kubectlOutput(["apply", ...args]);
  await kubectlOutput([
    "wait",
    "--for=condition=Ready",
    `--timeout=${patienceMs / 1000}s`,
    ...args,
  ]);
}

export async function applyPods(...files: readonly string[]): Promise<void> {
  await kubectlOutput(["apply", ...files.flatMap((file) => ["-f", file])]);
}

export async function waitForPods(...names: readonly string[]): Promise<void> {
  const pods = names.map((name) => `pod/${name}`);
  await kubectlOutput([
    "wait",
    "--for=condition=Ready",
    `--timeout=${patienceMs / 1000}s`,
    ...pods,
  ]);
}

/** Runs a shell command in a pod. Exit code 137: the shell itself was killed. */
export function inPod(pod: string, script: string): Promise<RunResult> {
  return kubectl(["exec", pod, "--", "/bin/bash", "-c", script]);
}

/** Name of the agent's pod on a node. */
export async function agentPod(node: string): Promise<string> {
  const names = await kubectlOutput([
    "-n",
    systemNamespace,
    "get",
    "pods",
    "-l",
    "app.kubernetes.io/name=guardbee-agent",
    `--field-selector=spec.nodeName=${node}`,
    "-o",
    "jsonpath={.items[*].metadata.name}",
  ]);
  return names.trim().split(" ")[0]!;
}

/** Event lines of a node, as the export-stdout container printed them. */
export async function eventLines(node: string): Promise<readonly string[]> {
  const pod = await agentPod(node);
  const text = await kubectlOutput(["-n", systemNamespace, "logs", pod, "-c", "export-stdout"]);
  return text.split("\n").filter((line) => line !== "");
}

/** Waits until some event of the node satisfies `is`; the lines up to then. */
export async function waitForEvent(
  node: string,
  what: string,
  is: (line: string) => boolean,
): Promise<readonly string[]> {
  return waitFor(
    `event: ${what}`,
    async () => {
      const lines = await eventLines(node);
      return lines.some(is) ? lines : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
}

/** What `guardbee getevents -o compact` prints for event lines of a namespace. */
export async function compactEvents(lines: readonly string[]): Promise<readonly string[]> {
  const args = ["getevents", "-o", "compact", "--namespace", "default"];
  const { stdout } = await guardbee(args, `${lines.join("\n")}\n`);
  return stdout.trimEnd().split("\n");
}

/** Runs the `guardbee` command of this checkout on the lab's cluster, in the root of the repository. */
export function guardbee(args: readonly string[], input = ""): Promise<RunResult> {
  const env = { KUBECONFIG: kubeconfigPath() };
  return run([join(repositoryRoot, "node_modules/.bin/guardbee"), ...args], { input, env });
}
