import {
  applyObject,
  type Clock,
  getObject,
  isKubeError,
  type KubeConnection,
  type KubeObject,
  Loop,
  objectPath,
  type Resource,
  resources,
} from "@guardbee/kube";
import type { Logger } from "pino";
import { fieldManager } from "../field-manager.ts";
import {
  defaultRotation,
  type InForce,
  type Issuance,
  inForce,
  type RotationTimes,
  readIssuances,
  writeIssuances,
} from "./issuances.ts";
import { webhookNames } from "./names.ts";

export type CertificatesOptions = {
  readonly connection: KubeConnection;
  /** Of the Secret. */
  readonly namespace: string;
  /** DNS names and IP addresses that the API server calls us by. */
  readonly hosts: readonly string[];
  /** Called with each certificate that is to be served from now on. */
  readonly serve: (issuance: Issuance) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly rotation?: RotationTimes;
};

/** A change by another replica, or one that undid ours, is noticed after at most this. */
const pollMs = 60_000;
const retryMs = 10_000;
const notKept = "webhook certificates cannot be kept: policies are not refused when applied";

/**
 * The webhook's certificates. They are in one Secret that all replicas share, and whichever sees
 * that the next one is due makes it; the CAs go into the ValidatingWebhookConfiguration. A
 * certificate is served only after the API server has accepted its CA.
 */
export class Certificates {
  readonly #options: CertificatesOptions;
  /** PEM of what is served. Written by #step. */
  #served: string | undefined;
  /** Log only what changes. Written by run. */
  #failing: string | undefined;
  readonly #tried = Promise.withResolvers<void>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** Resolves when it was tried once to have a certificate, with or without success. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const step = async (within: AbortSignal) => {
      const againInMs = await this.#tryStep(within);
      this.#tried.resolve();
      return { againInMs };
    };
    await new Loop({ step, failure: notKept, clock, log }).run(signal);
  }

  /** Milliseconds until the next step. */
  async #tryStep(signal: AbortSignal): Promise<number> {
    const { log } = this.#options;
    try {
      await this.#step(signal);
      if (this.#failing !== undefined) log.info("webhook certificates are in order again");
      this.#failing = undefined;
      return pollMs;
    } catch (err) {
      signal.throwIfAborted();
      const { message } = err as Error;
      if (this.#failing !== message) {
        log.warn({ err }, notKept);
      }
      this.#failing = message;
      return retryMs;
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { serving, trusted } = await this.#ensureIssued(signal);
    const { connection, log, serve } = this.#options;
    const caBundle = Buffer.from(trusted.map(({ ca }) => ca).join("")).toString("base64");
    const name = webhookNames.webhook;
    const object = {
      metadata: { name: webhookNames.configuration },
      webhooks: [{ name, clientConfig: { caBundle } }],
    };
    // Without effect, and without a new version, when it is there already.
    await applyObject(
      connection,
      { resource: webhookConfiguration, object },
      { fieldManager, force: true },
      signal,
    );
    if (serving === undefined || serving.certificate === this.#served) return;
    serve(serving);
    this.#served = serving.certificate;
    log.info({ expiresAt: new Date(serving.expiresAtMs) }, "webhook serves a new certificate");
  }

  /** Makes the next certificate when it is due; another replica may be faster. */
  async #ensureIssued(signal: AbortSignal): Promise<InForce> {
    const { clock, hosts, log, rotation = defaultRotation } = this.#options;
    for (;;) {
      const secret = await this.#readSecret(signal);
      const nowMs = clock.now();
      const now = inForce(readIssuances(secret.data ?? {}), rotation, nowMs);
      if (!now.renew) return now;
      const { issueCertificate } = await import("./issue.ts"); // with all of x509, once in sixty days
      const next = await issueCertificate(hosts, { nowMs, validMs: rotation.validMs });
      const issuances = [...now.trusted, next];
      try {
        await this.#writeSecret({ ...secret, data: writeIssuances(issuances) }, signal);
      } catch (error) {
        if (isKubeError(error, 409)) continue;
        throw error;
      }
      log.info({ expiresAt: new Date(next.expiresAtMs) }, "webhook certificate issued");
      return inForce(issuances, rotation, nowMs);
    }
  }

  async #readSecret(signal: AbortSignal): Promise<Secret> {
    const { connection, namespace } = this.#options;
    const name = webhookNames.secret;
    const found = await getObject(connection, resources.secret, { namespace, name }, signal);
    if (found !== undefined) return found;
    throw new Error(`Secret ${namespace}/${name}: is not there; apply config/base again`);
  }

  /** KubeError 409 when somebody wrote it since it was read. */
  async #writeSecret(secret: Secret, signal: AbortSignal): Promise<void> {
    const path = objectPath(resources.secret, secret.metadata);
    const query = { fieldManager };
    await this.#options.connection.request({ method: "PUT", path, query, body: secret }, signal);
  }
}

type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };

export const webhookConfiguration: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  namespaced: false,
};
