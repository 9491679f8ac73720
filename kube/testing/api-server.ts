import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectWith, type KubeConnection } from "../connection.ts";
import { skipReason } from "./must-run.ts";

/** A real etcd and kube-apiserver on loopback, for tests. Nothing else runs: no controllers. */
export type ApiServer = {
  /** A connection as a member of system:masters. */
  readonly connection: KubeConnection;
  readonly url: URL;
  /** Bearer token of that member, for kubectl. */
  readonly token: string;
  /** A connection with another bearer token. */
  as(token: string): KubeConnection;
  /** Stops and starts the API server (not etcd) on the same port. */
  restart(): Promise<void>;
  /** Makes etcd forget every version but the newest. */
  compact(): Promise<void>;
  /** Ends both and removes their data. */
  stop(): Promise<void>;
};

type Binaries = { readonly etcd: string; readonly apiserver: string };

const notBuilt =
  "etcd and kube-apiserver are not built: node test/e2e/lab/build.ts etcd kubernetes";

/**
 * Why tests with a real API server cannot run here, or false. For node:test's `skip`; throws where
 * every test must run.
 */
export function whyNoApiServer(): string | false {
  return skipReason(findBinaries() === undefined ? notBuilt : false);
}

/** The lab's kubectl, of the same version. */
export function findKubectl(): string | undefined {
  return newest("kubernetes", "kubectl");
}

/** More arguments for the two programs, `--name=value`. */
export type ServerFlags = {
  readonly apiserver?: readonly string[];
  readonly etcd?: readonly string[];
};

/** Starts both with fresh data; ready to serve when it resolves, within two minutes. */
export async function startApiServer(flags: ServerFlags = {}): Promise<ApiServer> {
  const binaries = findBinaries();
  if (binaries === undefined) throw new Error(notBuilt);
  const folder = await mkdtemp(join(tmpdir(), "guardbee-api-"));
  const [clientPort, peerPort, securePort] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString("hex");
  await writeFile(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = join(folder, "sa.key");
  await writeFile(key, privateKey.export({ type: "pkcs8", format: "pem" }));

  const etcd = start(binaries.etcd, [
    `--data-dir=${folder}/etcd`,
    "--unsafe-no-fsync",
    "--log-level=error",
    `--listen-client-urls=http://127.0.0.1:${clientPort}`,
    `--advertise-client-urls=http://127.0.0.1:${clientPort}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    ...(flags.etcd ?? []),
  ]);
  const startApi = () =>
    start(binaries.apiserver, [
      `--etcd-servers=http://127.0.0.1:${clientPort}`,
      `--secure-port=${securePort}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${folder}/certs`,
      `--token-auth-file=${folder}/tokens.csv`,
      "--authorization-mode=Node,RBAC",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      "--disable-admission-plugins=ServiceAccount",
      "--allow-privileged=true",
      "--event-ttl=5m",
      "--v=0",
      ...(flags.apiserver ?? []),
    ]);
  let api = startApi();
  const url = new URL(`https://127.0.0.1:${securePort}`);
  const as = (bearer: string) =>
    connectWith({
      server: url,
      namespace: "guardbee-system",
      current: async () => ({
        headers: { authorization: `Bearer ${bearer}` },
        tls: { rejectUnauthorized: false }, // it signs its own certificate
      }),
    });
  const connection = as(token);
  await waitUntilReady(connection, api);
  return {
    connection,
    url,
    token,
    as,
    async restart() {
      await end(api);
      api = startApi();
      await waitUntilReady(connection, api);
    },
    async compact() {
      const etcdUrl = `http://127.0.0.1:${clientPort}/v3/kv`;
      const range = { method: "POST", body: JSON.stringify({ key: "AA==" }) };
      const answer = await fetch(`${etcdUrl}/range`, range);
      const { header } = (await answer.json()) as { header: { revision: string } };
      const body = JSON.stringify({ revision: header.revision, physical: true });
      const { ok } = await fetch(`${etcdUrl}/compaction`, { method: "POST", body });
      if (!ok) throw new Error("etcd: does not compact");
    },
    async stop() {
      connection.close();
      await end(api);
      await end(etcd);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Running = { readonly process: ChildProcess; readonly log: string[] };

function start(program: string, args: readonly string[]): Running {
  // A test that is killed leaves no server behind.
  const dying = ["--pdeathsig", "KILL", program, ...args];
  const child = spawn("setpriv", dying, { stdio: ["ignore", "ignore", "pipe"] });
  const log: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => {
    log.push(chunk.toString());
    if (log.length > 50) log.shift();
  });
  return { process: child, log };
}

async function end({ process }: Running): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exited = new Promise((resolve) => process.once("exit", resolve));
  process.kill("SIGKILL"); // nothing here is worth a graceful minute
  await exited;
}

async function waitUntilReady(connection: KubeConnection, api: Running): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (api.process.exitCode !== null) break;
    try {
      // "ok" is no JSON: asking for a resource shows that RBAC is up as well.
      await connection.request(
        { path: "/api/v1/namespaces/kube-system", timeoutMs: 5_000 },
        new AbortController().signal,
      );
      return;
    } catch {
      await sleep(200);
    }
  }
  throw new Error(`kube-apiserver did not become ready:\n${api.log.join("").slice(-4_000)}`);
}

/** A TCP port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}

/** From GUARDBEE_TEST_ETCD and GUARDBEE_TEST_APISERVER, or the newest that the lab has built. */
function findBinaries(): Binaries | undefined {
  const etcd = process.env.GUARDBEE_TEST_ETCD ?? newest("etcd", "etcd");
  const apiserver = process.env.GUARDBEE_TEST_APISERVER ?? newest("kubernetes", "kube-apiserver");
  return etcd === undefined || apiserver === undefined ? undefined : { etcd, apiserver };
}

function newest(item: string, program: string): string | undefined {
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "guardbee/lab");
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .filter((name) => name.startsWith(`${item}-`) && !/\.(tmp|lock)$/.test(name))
    .map((name) => join(root, name, program))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}
