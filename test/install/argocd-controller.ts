import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../kube/testing/api-server.ts";
import { helm, kubectl, outputOf, type Program, programPath, root } from "./lab-programs.ts";

/** What is read of an Application. */
export type Application = {
  readonly status?: {
    readonly sync?: { readonly status: string; readonly revision?: string };
    readonly health?: { readonly status: string };
    readonly conditions?: readonly { readonly message: string }[];
    readonly resources?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly status: string;
      readonly health?: { readonly status: string; readonly message?: string };
    }[];
  };
};

const argocd = ["argocd", "argocd"] as const;
const kustomize = ["kustomize", "kustomize"] as const;
const miniredis = ["miniredis", "miniredis"] as const;

/** The items of the lab that it takes, beside those of a TestCluster. */
export const argocdItems = ["argocd", "argocd-crds", "miniredis", "helm", "kustomize"] as const;

/** Argo CD's application controller and repository server as processes, on one API server. */
export class ArgoCd {
  /** Written by #run; each ends with this process. */
  readonly #processes: ChildProcess[] = [];
  /** Kubeconfig, logs, caches and clones. */
  readonly #dir = mkdtempSync(join(tmpdir(), "guardbee-argocd-"));

  readonly #kubeconfig = join(this.#dir, "kubeconfig");
  readonly #patienceMs: number;

  /** `kubeconfig`: its text; `patienceMs`: how long `eventually` waits. */
  constructor(kubeconfig: string, patienceMs = 60_000) {
    writeFileSync(this.#kubeconfig, kubeconfig, { mode: 0o600 });
    this.#patienceMs = patienceMs;
  }

  /** With our health scripts, applied as docs/how-to/argo-cd.md says. */
  async start(): Promise<void> {
    for (const name of ["application-crd.yaml", "appproject-crd.yaml"]) {
      this.kubectl("apply", "--server-side", "-f", programPath(["argocd-crds", name]));
    }
    this.kubectl("create", "namespace", "argocd");
    const health = ["--field-manager=guardbee", "-k", join(root, "config/argocd")];
    this.kubectl("apply", "--server-side", ...health);
    this.apply(secret);
    this.apply(project);
    const [redis, repository] = [await freePort(), await freePort()];
    const cache = `--redis=127.0.0.1:${redis}`;
    this.#run("redis", miniredis, [String(redis)]);
    const listen = ["--address=127.0.0.1", `--port=${repository}`, "--disable-tls"];
    const metrics = async () => `--metrics-port=${await freePort()}`;
    this.#run("argocd-repo-server", argocd, [cache, ...listen, await metrics()]);
    const asks = [`--repo-server=127.0.0.1:${repository}`, "--repo-server-plaintext"];
    // Minutes between two self-heals are right for a cluster, not for a test.
    const heals = ["--self-heal-backoff-timeout-seconds=1", "--self-heal-backoff-cap-seconds=1"];
    const more = ["--namespace=argocd", "--persist-resource-health", ...heals, await metrics()];
    this.#run("argocd-application-controller", argocd, [cache, ...asks, ...more]);
  }

  kubectl(...args: readonly string[]): string {
    return outputOf(kubectl, ["--kubeconfig", this.#kubeconfig, ...args]);
  }

  apply(object: object): void {
    const path = join(this.#dir, "object.json");
    writeFileSync(path, JSON.stringify(object));
    this.kubectl("apply", "--server-side", "-f", path);
  }

  /** The Application as it is; asks Argo CD to look again first, when told so. */
  async application(name: string, refresh?: "normal" | "hard"): Promise<Application> {
    const get = ["-n", "argocd", "get", "application", name, "-o", "json"];
    if (refresh !== undefined) {
      const annotation = `argocd.argoproj.io/refresh=${refresh}`;
      this.kubectl("-n", "argocd", "annotate", "--overwrite", "application", name, annotation);
      await this.eventually(
        "the refresh",
        async () => !this.kubectl(...get).includes(annotation.split("=")[0]!),
      );
    }
    return JSON.parse(this.kubectl(...get)) as Application;
  }

  /** Waits until `look` gives true; the error has `more` and the logs. */
  async eventually(
    what: string,
    look: () => Promise<boolean>,
    more: () => string = () => "",
  ): Promise<void> {
    const endsAt = performance.now() + this.#patienceMs;
    while (!(await look())) {
      if (performance.now() > endsAt) throw new Error(`${what}: ${more()}\n${this.logs()}`);
      await sleep(500);
    }
  }

  /** The last lines that its processes wrote, for the message of a failure. */
  logs(): string {
    return ["argocd-repo-server", "argocd-application-controller"]
      .map(
        (name) => `${name}:\n${readFileSync(join(this.#dir, `${name}.log`), "utf8").slice(-4000)}`,
      )
      .join("\n");
  }

  async stop(): Promise<void> {
    for (const process of this.#processes.reverse()) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      process.kill("SIGKILL"); // it keeps nothing that is worth a graceful end
      await once(process, "exit");
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Argo CD's one binary is what it is called. */
  #run(name: string, program: Program, args: readonly string[]): void {
    const config = join(this.#dir, "config");
    mkdirSync(config, { recursive: true });
    const log = createWriteStream(join(this.#dir, `${name}.log`));
    const renderers = [helm, kustomize].map((one) => dirname(programPath(one)));
    const dying = ["--pdeathsig", "KILL", programPath(program), ...args];
    const child = spawn("setpriv", dying, {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: [...renderers, process.env.PATH].join(":"),
        HOME: this.#dir,
        TMPDIR: this.#dir,
        KUBECONFIG: this.#kubeconfig,
        ARGOCD_BINARY_NAME: name,
        ARGOCD_FAKE_IN_CLUSTER: "true",
        ARGOCD_GPG_ENABLED: "false",
        ARGOCD_SSH_DATA_PATH: config,
        ARGOCD_TLS_DATA_PATH: config,
        GOMAXPROCS: "2",
      },
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#processes.push(child);
  }
}

const labels = { "app.kubernetes.io/part-of": "argocd" };
const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "argocd-secret", namespace: "argocd", labels },
  stringData: { "server.secretkey": "of a server that does not run" },
};
const project = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "default", namespace: "argocd" },
  spec: {
    sourceRepos: ["*"],
    destinations: [{ namespace: "*", server: "*" }],
    clusterResourceWhitelist: [{ group: "*", kind: "*" }],
  },
};
