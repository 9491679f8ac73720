// The lab's command line.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  addNode,
  deleteNode,
  down,
  execOnNode,
  type NodeRequest,
  readNodes,
  up,
} from "./cluster/cluster.ts";
import { kubeconfigPath, startApiServer, stopApiServer } from "./cluster/control-plane.ts";
import { daemonNames, daemonPid, logPath } from "./cluster/daemons.ts";
import { kubectlPath } from "./cluster/kubectl.ts";
import { consoleLogPath, nodeDir, nodeState, pauseNode, resumeNode } from "./cluster/node.ts";
import { reloadImages } from "./cluster/reload.ts";
import { parseKernelName } from "./kernels.ts";

const usage = `usage: node test/e2e/lab/main.ts COMMAND
  up [--nodes N] [--kernel-node NAME=KERNEL]...   bring up, or add what is missing (default: 1 node)
  down                                            end everything that the lab started
  status                                          what runs
  kubectl -- ARGS                                 kubectl as the administrator
  exec NODE -- COMMAND [ARG...]                   a command in the node's host namespaces
  add-node NAME [KERNEL]                          one more node
  delete-node NAME                                one node less
  pause NODE | resume NODE                        stop and continue a node's emulator
  stop-apiserver | start-apiserver                the cluster without its API server
  reload-images                                   build the images again, import them into the nodes
  logs [NAME]                                     logs of a process, or NODE/kubelet, NODE/containerd, NODE/console
  kubeconfig                                      the path for KUBECONFIG
`;

/** The nodes that the options of `up` name: node-1 to node-N on the lab kernel, then the others. */
export function requestedNodes(count: number, named: readonly string[]): NodeRequest[] {
  const plain = Array.from(
    { length: count },
    (_, at) => ({ name: `node-${at + 1}`, kernel: "lab" }) as const,
  );
  const special = named.map((text): NodeRequest => {
    const [name, kernel] = text.split("=");
    return { name: name!, kernel: parseKernelName(kernel ?? "") };
  });
  return [...plain, ...special];
}

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  const after = rest.indexOf("--") + 1;
  const passed = after > 0 ? rest.slice(after) : [];
  switch (command) {
    case "up": {
      const { values } = parseArgs({
        args: rest,
        options: {
          nodes: { type: "string", default: "1" },
          "kernel-node": { type: "string", multiple: true, default: [] },
        },
      });
      await up({ nodes: requestedNodes(Number(values.nodes), values["kernel-node"]) });
      return 0;
    }
    case "down":
      await down();
      return 0;
    case "status":
      return status();
    case "kubectl":
      return inherit([await kubectlPath(), ...(after > 0 ? passed : rest)]);
    case "exec": {
      const result = await execOnNode(rest[0]!, passed, {
        timeoutMs: 3_600_000,
        onOutput: (stream, chunk) => void process[stream].write(chunk),
      });
      return result.exitCode;
    }
    case "add-node":
      await addNode({ name: rest[0]!, kernel: parseKernelName(rest[1] ?? "lab") });
      return 0;
    case "delete-node":
      await deleteNode(rest[0]!);
      return 0;
    case "pause":
      pauseNode(rest[0]!);
      return 0;
    case "resume":
      resumeNode(rest[0]!);
      return 0;
    case "stop-apiserver":
      await stopApiServer();
      return 0;
    case "start-apiserver":
      await startApiServer();
      return 0;
    case "reload-images":
      await reloadImages();
      return 0;
    case "logs":
      process.stdout.write(readFileSync(namedLog(rest[0] ?? "kube-apiserver")));
      return 0;
    case "kubeconfig":
      process.stdout.write(`${kubeconfigPath()}\n`);
      return 0;
    default:
      process.stderr.write(usage);
      return 2;
  }
}

function status(): number {
  for (const name of daemonNames()) {
    process.stdout.write(
      `${name} ${daemonPid(name) === undefined ? "ended" : "runs"} ${logPath(name)}\n`,
    );
  }
  for (const node of readNodes()) {
    process.stdout.write(
      `${node.name} ${node.kernel} ${nodeState(node.name)} ${nodeDir(node.name)}\n`,
    );
  }
  return 0;
}

function namedLog(name: string): string {
  const [node, file] = name.split("/");
  if (file === undefined) return logPath(name);
  return file === "console" ? consoleLogPath(node!) : join(nodeDir(node!), `${file}.log`);
}

async function inherit(command: readonly string[]): Promise<number> {
  const env = { ...process.env, KUBECONFIG: kubeconfigPath() };
  const child = spawn(command[0]!, command.slice(1), { stdio: "inherit", env });
  return new Promise((resolve) => void child.once("close", (code) => resolve(code ?? 1)));
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
