import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ensureBuilt } from "../build.ts";
import { labDir } from "../items.ts";
import { waitFor } from "../progress.ts";
import { stateRoot } from "../state.ts";
import { apiAddress, serviceRange } from "./addresses.ts";
import { controlPlaneCerts, ensureAuthority, ensureCert } from "./certs.ts";
import { daemonPid, ensureDaemon, logTail, stopDaemon } from "./daemons.ts";
import { encodeKubeconfig } from "./kubeconfig.ts";
import { kubectl } from "./kubectl.ts";
import { insideNetwork } from "./network.ts";

/** The folder with the authority, the keys and the certificates. */
export function pkiDir(): string {
  return join(stateRoot(), "pki");
}

/** A kubeconfig for the administrator that works on the host. */
export function kubeconfigPath(): string {
  return join(stateRoot(), "kubeconfig");
}

/** A Unix socket that reaches every address of the lab; see gateway.ts. */
export function gatewaySocket(): string {
  return join(stateRoot(), "gateway.sock");
}

/** Starts what is missing of the control plane and waits until the API server is ready. */
export async function ensureControlPlane(): Promise<void> {
  const pki = pkiDir();
  ensureAuthority(pki);
  for (const cert of controlPlaneCerts) ensureCert(pki, cert);
  for (const component of ["controller-manager", "scheduler"]) {
    writeFileSync(join(pki, `${component}.kubeconfig`), inClusterConfig(component), {
      mode: 0o600,
    });
  }
  await ensureGateway();
  const { etcd } = await ensureBuilt(["etcd"]);
  mkdirSync(join(stateRoot(), "etcd"), { recursive: true, mode: 0o700 });
  start("etcd", [etcd!, `--data-dir=${stateRoot()}/etcd`, "--unsafe-no-fsync"]);
  await startApiServer();
  await ensureControllers();
}

/** Starts kube-apiserver and waits until it is ready. */
export async function startApiServer(): Promise<void> {
  const { "kube-apiserver": program } = await ensureBuilt(["kubernetes"]);
  start("kube-apiserver", [program!, ...apiServerArgs(pkiDir())]);
  await waitFor("kube-apiserver to be ready", apiServerReady, {
    timeoutMs: 180_000,
    detail: () => deadDaemon("kube-apiserver") ?? deadDaemon("etcd") ?? "",
  });
}

/** Stops kube-apiserver; the rest of the cluster goes on without it. */
export async function stopApiServer(): Promise<void> {
  await stopDaemon("kube-apiserver", 2_000);
}

/** The flags of kube-apiserver, with its keys and certificates in `pki`. */
export function apiServerArgs(pki: string): string[] {
  const file = (name: string): string => join(pki, name);
  return [
    "--etcd-servers=http://127.0.0.1:2379",
    "--secure-port=443",
    `--advertise-address=${apiAddress}`,
    `--service-cluster-ip-range=${serviceRange}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    "--enable-aggregator-routing=true", // webhooks behind a Service, without kube-proxy
    "--kubelet-preferred-address-types=InternalIP",
    `--client-ca-file=${file("ca.crt")}`,
    `--tls-cert-file=${file("apiserver.crt")}`,
    `--tls-private-key-file=${file("apiserver.key")}`,
    `--kubelet-client-certificate=${file("apiserver-kubelet.crt")}`,
    `--kubelet-client-key=${file("apiserver-kubelet.key")}`,
    `--kubelet-certificate-authority=${file("ca.crt")}`,
    `--service-account-key-file=${file("service-accounts.key")}`,
    `--service-account-signing-key-file=${file("service-accounts.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    "--shutdown-delay-duration=0s",
  ];
}

async function ensureControllers(): Promise<void> {
  const built = await ensureBuilt(["kubernetes"]);
  const pki = pkiDir();
  start("kube-controller-manager", [
    built["kube-controller-manager"]!,
    `--kubeconfig=${pki}/controller-manager.kubeconfig`,
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${pki}/service-accounts.key`,
    `--root-ca-file=${pki}/ca.crt`,
    "--leader-elect=false",
  ]);
  start("kube-scheduler", [
    built["kube-scheduler"]!,
    `--kubeconfig=${pki}/scheduler.kubeconfig`,
    "--leader-elect=false",
  ]);
}

/** The gateway inherits a listening socket of the host: its connections cross into the network. */
async function ensureGateway(): Promise<void> {
  if (daemonPid("gateway") !== undefined) return;
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const port = (server.address() as { port: number }).port;
  const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  const program = join(labDir, "cluster/gateway.ts");
  const command = [process.execPath, program, gatewaySocket(), apiAddress, "443"];
  ensureDaemon("gateway", insideNetwork(command), { listenFd: fd });
  server.close();
  const config = encodeKubeconfig(pkiDir(), "admin", `https://127.0.0.1:${port}`);
  writeFileSync(kubeconfigPath(), config, { mode: 0o600 });
}

function start(name: string, command: readonly string[]): void {
  // Few collections: the two processors are the scarce thing, not memory.
  ensureDaemon(name, insideNetwork(command), { env: { GOGC: "300" } });
}

function inClusterConfig(component: string): string {
  return encodeKubeconfig(pkiDir(), component, `https://${apiAddress}:443`);
}

async function apiServerReady(): Promise<true | undefined> {
  const dead = deadDaemon("kube-apiserver") ?? deadDaemon("etcd");
  if (dead !== undefined) throw new Error(`lab: ${dead}`);
  const ready = await kubectl(["get", "--raw", "/readyz", "--request-timeout=5s"]);
  return ready.exitCode === 0 ? true : undefined;
}

function deadDaemon(name: string): string | undefined {
  if (daemonPid(name) !== undefined) return undefined;
  return `${name} ended; the end of its log:\n${logTail(name, 15)}`;
}
