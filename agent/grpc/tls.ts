import { readFile } from "node:fs/promises";
import type { SecureContextOptions } from "node:tls";
import { type Clock, Loop } from "@guardbee/kube";
import type { Logger } from "pino";

/** Files of PEM. */
export type TlsFiles = {
  readonly certificate: string;
  readonly key: string;
  /** Whose certificates clients show; none: clients show none. */
  readonly clientCas: readonly string[];
};

export type CertificateReloadOptions = {
  readonly files: TlsFiles;
  /** Called with what the files have, when that has changed. Throws what is no certificate. */
  readonly use: (context: SecureContextOptions) => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What issues certificates writes new ones hours before the old ones end. */
const rereadMs = 10_000;

/**
 * Keeps a server at the certificates in files: they may come after it, and change. Until there are
 * good ones no handshake succeeds; bad ones leave those of before.
 */
export class CertificateReload {
  readonly #options: CertificateReloadOptions;
  readonly #loop: Loop;
  /** What the server has. Written by `#read`. */
  #used = "";

  constructor(options: CertificateReloadOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#loop = new Loop({
      step: () => this.#read(),
      failure: "the certificates of the gRPC server cannot be used",
      backOff: { firstMs: 1_000, maxMs: rereadMs },
      ...{ clock, log },
    });
  }

  /** Follows the files until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #read(): Promise<{ readonly againInMs: number }> {
    const { files, use, log } = this.#options;
    const [cert, key, ...ca] = await Promise.all(
      [files.certificate, files.key, ...files.clientCas].map((path) => readFile(path, "utf8")),
    );
    const found = JSON.stringify([cert, key, ca]);
    if (found !== this.#used) {
      use({ cert: cert!, key: key!, ...(ca.length === 0 ? {} : { ca }), minVersion: "TLSv1.3" });
      this.#used = found;
      log.info({ certificate: files.certificate }, "the gRPC server has a certificate");
    }
    return { againInMs: rereadMs };
  }
}
