import { Resolver } from "node:dns/promises";
import type { Request } from "@guardbee/policy";
import type { Logger } from "pino";

/** What the agent may ask of others for policies; without it, they may not have GetUrl and DnsLookup. */
export type RequestOptions = {
  /** Hosts that may be fetched from and asked for: `trap.example.org`, `trap.example.org:8080`. */
  readonly requestHosts: readonly string[];
  /** Address of the DNS server that is asked for names: `192.0.2.53`; empty: none. */
  readonly requestResolver: string;
};

/** How many requests became of what: those that there was no time for are dropped. */
export type RequestStats = {
  readonly made: number;
  readonly failed: number;
  readonly dropped: number;
};

const maxAtOnce = 8;
const timeoutMs = 5_000;

/**
 * Makes the requests of events, of which nobody waits for an answer. Whoever makes events could have the
 * agent make as many requests: eight are under way at most, and what comes meanwhile is dropped.
 */
export class Requests {
  readonly #hosts: ReadonlySet<string>;
  readonly #resolver: Resolver | undefined;
  readonly #log: Logger;
  #atOnce = 0;
  readonly #stats = { made: 0, failed: 0, dropped: 0 };

  constructor({ requestHosts, requestResolver }: RequestOptions, log: Logger) {
    this.#hosts = new Set(requestHosts.map((host) => host.toLowerCase()));
    this.#log = log;
    if (requestResolver === "") return;
    this.#resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
    this.#resolver.setServers([requestResolver]);
  }

  stats(): RequestStats {
    return { ...this.#stats };
  }

  /** Why a request is not made; undefined: it is. */
  whyNot(request: Request): string | undefined {
    switch (request.kind) {
      case "url": {
        const { host, hostname } = new URL(request.url);
        if (this.#hosts.has(host) || this.#hosts.has(hostname)) return undefined;
        return `GetUrl: this agent may not fetch from ${host}; start it with --request-hosts ${host}`;
      }
      case "name": {
        const { fqdn } = request;
        if (this.#resolver === undefined) {
          return "DnsLookup: this agent asks no DNS server; start it with --request-resolver ADDRESS";
        }
        if (this.#hosts.has(fqdn)) return undefined;
        return `DnsLookup: this agent may not ask for ${fqdn}; start it with --request-hosts ${fqdn}`;
      }
    }
  }

  /** Begins a request that is allowed. */
  make(request: Request): void {
    if (this.whyNot(request) !== undefined || this.#atOnce === maxAtOnce) {
      this.#stats.dropped++;
      return;
    }
    this.#atOnce++;
    void this.#ask(request)
      .then(
        () => {
          this.#stats.made++;
        },
        (error: unknown) => {
          this.#stats.failed++;
          this.#log.debug({ err: error, request }, "a policy's request failed");
        },
      )
      .finally(() => {
        this.#atOnce--;
      });
  }

  async #ask(request: Request): Promise<void> {
    if (request.kind === "name") {
      await this.#resolver!.resolve4(request.fqdn);
      return;
    }
    const signal = AbortSignal.timeout(timeoutMs);
    // Where it leads elsewhere nobody has allowed that.
    const response = await fetch(request.url, { signal, redirect: "manual" });
    await response.body?.cancel();
  }
}
