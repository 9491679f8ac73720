import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { elapsed } from "../../../../build/progress.ts";
import { repositoryRoot } from "../../../../build/root.ts";
import { ensureBuilt } from "../build.ts";
import { ensureKernel, type KernelName } from "../kernels.ts";
import { withLock } from "../lock.ts";
import { tell, waitFor } from "../progress.ts";
import type { RunResult } from "../run.ts";
import { lastLogs, stateLock, stateRoot } from "../state.ts";
import { nodeAddresses } from "./addresses.ts";
import { ensureControlPlane, gatewaySocket, kubeconfigPath } from "./control-plane.ts";
import { daemonNames, daemonPid, logPath, logTail, stopDaemon, tailOf } from "./daemons.ts";
import { ensureDisk } from "./disk.ts";
import { type ExecOptions, execAt } from "./exec.ts";
import { kubectl, kubectlOutput } from "./kubectl.ts";
import { ensureNetwork, removeNetwork } from "./network.ts";
import {
  consoleLogPath,
  ensureNode,
  type Node,
  nodeDaemon,
  nodeDir,
  nodeState,
  removeNode,
} from "./node.ts";

export type NodeRequest = {
  readonly name: string;
  readonly kernel: KernelName;
  readonly memoryMb?: number;
};

export type UpOptions = {
  readonly nodes: readonly NodeRequest[];
  /** The application whose images the nodes get. Default: the repository of this lab. */
  readonly appRoot?: string;
  /** How long the nodes together may take to be Ready. Default 10 minutes. */
  readonly timeoutMs?: number;
};

/** Brings the cluster to the wanted nodes, or adds what is missing of it; waits until all are Ready. */
export async function up(options: UpOptions): Promise<readonly Node[]> {
  assertRoot();
  return withLock(stateLock(), () => bringUp(options));
}

async function bringUp(options: UpOptions): Promise<readonly Node[]> {
  const startedAt = performance.now();
  await ensureBuilt([
    "busybox",
    "pause",
    "execd",
    "etcd",
    "containerd",
    "runc",
    "cni",
    "kubernetes",
  ]);
  for (const { kernel } of options.nodes) await ensureKernel(kernel);
  const disk = await ensureDisk(options.appRoot ?? repositoryRoot);
  mkdirSync(stateRoot(), { recursive: true, mode: 0o700 });
  ensureNetwork();
  const nodes = withNodes(readNodes(), options.nodes);
  writeFileSync(nodesPath(), JSON.stringify(nodes));
  // The guests boot while the control plane starts; their kubelets try until it answers.
  tell(`starting ${nodes.map((node) => `${node.name} (${node.kernel})`).join(", ")}`);
  await Promise.all([ensureControlPlane(), ...nodes.map((node) => startNode(node, disk))]);
  tell(`control plane is ready (${elapsed(startedAt)})`);
  const names = nodes.filter((node) => nodeState(node.name) === "running").map((node) => node.name);
  await waitForReady(names, options.timeoutMs ?? 600_000);
  assertControlPlaneRuns();
  tell(`cluster is up (${elapsed(startedAt)}); export KUBECONFIG=${kubeconfigPath()}`);
  return nodes;
}

/** Adds one node to a running cluster and waits until it is Ready. */
export async function addNode(request: NodeRequest): Promise<Node> {
  const nodes = await up({ nodes: [request] });
  return nodes.find((node) => node.name === request.name)!;
}

/** Removes a node: its guest, its files and its Node object. */
export async function deleteNode(name: string): Promise<void> {
  await withLock(stateLock(), async () => {
    await removeNode(nodeNamed(name));
    writeFileSync(nodesPath(), JSON.stringify(readNodes().filter((node) => node.name !== name)));
    await kubectl(["delete", "node", name, "--ignore-not-found"]);
  });
}

/** Ends every process that the lab started and removes its network and its state. */
export async function down(): Promise<void> {
  await withLock(stateLock(), takeDown);
}

async function takeDown(): Promise<void> {
  const names = daemonNames();
  await Promise.all(names.map((name) => stopDaemon(name, name.startsWith("node-") ? 500 : 3_000)));
  removeNetwork();
  keepLogs();
  rmSync(stateRoot(), { recursive: true, force: true });
  tell(names.length === 0 ? "nothing was up" : `down: ${names.join(", ")}`);
}

/** What the last cluster said, for who wants to know why a run failed. */
function keepLogs(): void {
  rmSync(lastLogs(), { recursive: true, force: true });
  if (!existsSync(stateRoot())) return;
  for (const path of globSync("{logs,nodes/*}/*.log", { cwd: stateRoot() })) {
    cpSync(join(stateRoot(), path), join(lastLogs(), path));
  }
}

/** The nodes of the cluster, in the order in which they came. */
export function readNodes(): readonly Node[] {
  return existsSync(nodesPath()) ? JSON.parse(readFileSync(nodesPath(), "utf8")) : [];
}

/** Runs a command as root in the host namespaces of a node. */
export async function execOnNode(
  name: string,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<RunResult> {
  const { address } = nodeAddresses(nodeNamed(name).index);
  return execAt(gatewaySocket(), address, argv, options);
}

/** Waits until the named nodes are Ready. */
export async function waitForReady(names: readonly string[], timeoutMs: number): Promise<void> {
  let missing = names;
  const probe = async (): Promise<true | undefined> => {
    for (const name of names) assertRuns(name);
    const ready = await readyNodes();
    missing = names.filter((name) => !ready.includes(name));
    return missing.length === 0 ? true : undefined;
  };
  const detail = (): string => `not Ready yet: ${missing.join(", ")}`;
  try {
    await waitFor("nodes to be Ready", probe, { timeoutMs, everyMs: 1_000, detail });
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${missing.map(lastWords).join("\n")}`, { cause });
  }
}

/** The wanted nodes added to `existing`; a name that is there keeps its node. */
export function withNodes(
  existing: readonly Node[],
  wanted: readonly NodeRequest[],
): readonly Node[] {
  const nodes = [...existing];
  for (const request of wanted) {
    if (nodes.some((node) => node.name === request.name)) continue;
    const taken = new Set(nodes.map((node) => node.index));
    const free = Array.from({ length: 200 }, (_, at) => at + 1).find((index) => !taken.has(index));
    if (free === undefined) throw new Error("lab: has addresses for 200 nodes, and all are taken");
    nodes.push({ ...request, index: free });
  }
  return nodes;
}

async function startNode(node: Node, disk: string): Promise<void> {
  // The node's certificate wants the authority, which the control plane makes first.
  const authority = join(stateRoot(), "pki/ca.crt");
  const made = async (): Promise<true | undefined> => existsSync(authority) || undefined;
  await waitFor("the certificate authority", made, { timeoutMs: 30_000, everyMs: 20 });
  await ensureNode(node, disk);
}

async function readyNodes(): Promise<string[]> {
  const path = `{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
  const output = await kubectlOutput(["get", "nodes", "-o", `jsonpath=${path}`]).catch(() => "");
  return output
    .split("\n")
    .filter((line) => line.endsWith(" True"))
    .map((line) => line.split(" ")[0]!);
}

function assertControlPlaneRuns(): void {
  for (const name of daemonNames().filter((daemon) => !daemon.startsWith("node-"))) {
    if (daemonPid(name) === undefined) throw new Error(`${name}: ended:\n${logTail(name, 15)}`);
  }
}

/** A guest that ended will never be Ready: say so at once, with what it said last. */
function assertRuns(name: string): void {
  if (nodeState(name) !== "stopped") return;
  throw new Error(`node ${name}: its guest ended:\n${lastWords(name)}`);
}

/** The ends of a node's logs: its emulator's, its kernel's and its kubelet's. */
function lastWords(name: string): string {
  const files = [
    logPath(nodeDaemon(name)),
    consoleLogPath(name),
    join(nodeDir(name), "containerd.log"),
    join(nodeDir(name), "kubelet.log"),
  ];
  return files.map((path) => `${path}:\n${tailOf(path, 8)}`).join("\n");
}

function nodeNamed(name: string): Node {
  const nodes = readNodes();
  const node = nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  const known = nodes.map((candidate) => candidate.name).join(", ") || "none";
  throw new Error(`node ${name}: is not in the lab; there are: ${known}`);
}

function nodesPath(): string {
  return join(stateRoot(), "nodes.json");
}

function assertRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error("lab: needs root for namespaces and taps; use sudo");
}
