import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiAddress, apiServiceAddress, nodeAddresses } from "./addresses.ts";

/** Who a certificate names and what it may be used for. */
export type CertRequest = {
  /** File name without ending. */
  readonly name: string;
  readonly commonName: string;
  /** Kubernetes reads it as the group. */
  readonly organization?: string;
  /** `DNS:…` and `IP:…` entries; with any, the certificate serves as well as it asks. */
  readonly hosts?: readonly string[];
};

const days = "3650";
const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** The certificates of the control plane and of the administrator. */
export const controlPlaneCerts: readonly CertRequest[] = [
  {
    name: "apiserver",
    commonName: "kube-apiserver",
    hosts: [
      "DNS:kubernetes",
      "DNS:kubernetes.default",
      "DNS:kubernetes.default.svc",
      "DNS:kubernetes.default.svc.cluster.local",
      "DNS:localhost",
      "IP:127.0.0.1",
      `IP:${apiAddress}`,
      `IP:${apiServiceAddress}`,
    ],
  },
  // system:masters, so that the kubelets' webhook lets the API server in before RBAC is set up.
  { name: "apiserver-kubelet", commonName: "kube-apiserver", organization: "system:masters" },
  { name: "controller-manager", commonName: "system:kube-controller-manager" },
  { name: "scheduler", commonName: "system:kube-scheduler" },
  { name: "admin", commonName: "admin", organization: "system:masters" },
];

/** The certificate of a node's kubelet: its identity at the API server and its serving name. */
export function kubeletCert(node: string, index: number): CertRequest {
  return {
    name: `kubelet-${node}`,
    commonName: `system:node:${node}`,
    organization: "system:nodes",
    hosts: [`DNS:${node}`, `IP:${nodeAddresses(index).address}`],
  };
}

/** Creates the authority and the service accounts' key in `dir`, if they are not there. */
export function ensureAuthority(dir: string): void {
  if (existsSync(join(dir, "ca.crt"))) return;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const key = ["-keyout", join(dir, "ca.key"), "-out", join(dir, "ca.crt.new")];
  openssl(["req", "-x509", ...curve, ...key, "-subj", "/CN=guardbee-lab", "-days", days]);
  openssl(["genrsa", "-out", join(dir, "service-accounts.key"), "2048"]);
  renameSync(join(dir, "ca.crt.new"), join(dir, "ca.crt"));
}

/** Creates `request.name`.crt and .key in `dir`, signed by its authority, if they are not there. */
export function ensureCert(dir: string, request: CertRequest): void {
  const path = (ending: string): string => join(dir, `${request.name}.${ending}`);
  if (existsSync(path("crt"))) return;
  writeFileSync(path("ext"), certExtensions(request));
  openssl([
    ...["req", "-new", ...curve, "-keyout", path("key"), "-out", path("csr")],
    ...["-subj", certSubject(request)],
  ]);
  openssl([
    ...[
      "x509",
      "-req",
      "-in",
      path("csr"),
      "-CA",
      join(dir, "ca.crt"),
      "-CAkey",
      join(dir, "ca.key"),
    ],
    ...["-set_serial", serial(), "-days", days, "-extfile", path("ext"), "-out", path("new")],
  ]);
  for (const ending of ["csr", "ext"]) rmSync(path(ending));
  renameSync(path("new"), path("crt"));
}

/** The subject as openssl's -subj takes it. */
export function certSubject(request: CertRequest): string {
  const group = request.organization === undefined ? "" : `/O=${request.organization}`;
  return `${group}/CN=${request.commonName}`;
}

/** The extensions as an openssl extension file. */
export function certExtensions(request: CertRequest): string {
  const hosts = request.hosts ?? [];
  const usage = hosts.length > 0 ? "clientAuth,serverAuth" : "clientAuth";
  const lines = ["keyUsage=critical,digitalSignature", `extendedKeyUsage=${usage}`];
  if (hosts.length > 0) lines.push(`subjectAltName=${hosts.join(",")}`);
  return `${lines.join("\n")}\n`;
}

function serial(): string {
  return `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex")}`;
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
}
