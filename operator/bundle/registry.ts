import { authorizationOf } from "./authorization.ts";
import type { Credentials } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { assertDigest } from "./content-digest.ts";
import { listingOf } from "./host-list.ts";
import type { HttpAnswer, HttpGet } from "./http-exchange.ts";
import { type HttpContext, httpGet, unexpectedStatus } from "./http-get.ts";
import { type Descriptor, manifestTypes } from "./oci-manifest.ts";
import type { OciReference } from "./oci-reference.ts";
import { show } from "./show-url.ts";
import { isLoopback } from "./transport.ts";

export type RegistryOptions = {
  readonly reference: OciReference;
  readonly credentials?: Credentials | undefined;
  readonly ca?: string | undefined;
  readonly plainHttp?: boolean | undefined;
};

/** A manifest, and the digest of its bytes. */
export type Manifest = { readonly digest: string; readonly content: Buffer };

const manifestBytesMax = 4 * 1024 * 1024; // what registries take (OCI distribution spec)
const tokenBytesMax = 64 * 1024;

/**
 * Reads one repository over the OCI distribution protocol, anonymously or with credentials, which are
 * sent only when the registry asks, to it or to the token service that it names.
 */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #context: HttpContext;
  readonly #base: URL;
  /** What the last challenge led to. Written by #authorize only. */
  #authorization: string | undefined;

  constructor(options: RegistryOptions, context: HttpContext) {
    this.#options = options;
    this.#context = context;
    const { registry, repository } = options.reference;
    const plain = options.plainHttp ?? (options.ca === undefined && isLoopback(registry));
    this.#base = new URL(`${plain ? "http" : "https"}://${registry}/v2/${repository}/`);
  }

  /** The bytes of a manifest by tag or digest, or undefined when the registry has none. */
  async manifest(version: string, signal: AbortSignal): Promise<Buffer | undefined> {
    const url = new URL(`manifests/${version}`, this.#base);
    const headers = { accept: manifestTypes.join(", ") };
    const answer = await this.#get({ url, headers, maxBytes: manifestBytesMax }, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw unexpectedStatus(show(url), answer, this.#context.clock);
    return answer.body;
  }

  /** The content that `descriptor` describes, its size and digest checked. */
  async blob(descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
    const url = new URL(`blobs/${descriptor.digest}`, this.#base);
    const answer = await this.#get({ url, maxBytes: descriptor.size }, signal);
    if (answer.status !== 200) throw unexpectedStatus(show(url), answer, this.#context.clock);
    assertDigest(show(url), answer.body, descriptor.digest);
    return answer.body;
  }

  async #get(get: HttpGet, signal: AbortSignal): Promise<HttpAnswer> {
    const { ca } = this.#options;
    const ask = () =>
      httpGet({ ...get, ca, authorization: this.#authorization }, this.#context, signal);
    const answer = await ask();
    if (answer.status !== 401) return answer;
    this.#authorization = await this.#authorize(answer.headers["www-authenticate"], signal);
    return this.#authorization === undefined ? answer : ask();
  }

  /** The Authorization header that answers a challenge, or undefined when nothing would. */
  async #authorize(
    challenge: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { credentials } = this.#options;
    const [, scheme = "", rest = ""] = /^(\w+)\s*(.*)$/s.exec(challenge ?? "") ?? [];
    const own = authorizationOf(credentials);
    if (scheme.toLowerCase() === "basic" || credentials?.token !== undefined) return own;
    if (scheme.toLowerCase() !== "bearer") return undefined;
    const parameters = new Map(
      [...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [
        name!.toLowerCase(),
        value!,
      ]),
    );
    const realm = this.#realm(parameters.get("realm"));
    for (const name of ["service", "scope"]) {
      const value = parameters.get(name);
      if (value !== undefined) realm.searchParams.set(name, value);
    }
    if (credentials?.hosts !== undefined && listingOf(credentials.hosts, realm) === "no") {
      const what = `${show(this.#base)}: has its token service at a host that the credentials are not for`;
      throw new BundleError("InvalidSource", `${what}; add it to host in their Secret`);
    }
    const where = `${show(this.#base)} (its token service)`;
    const bounds = { ca: this.#options.ca, maxBytes: tokenBytesMax };
    const get = { url: realm, where, authorization: own, ...bounds };
    const answer = await httpGet(get, this.#context, signal);
    if (answer.status !== 200) throw unexpectedStatus(where, answer, this.#context.clock);
    return `Bearer ${parseToken(where, answer.body)}`;
  }

  /**
   * Where tokens are; never over plain HTTP when the registry itself is not spoken to like that, nor
   * with credentials to another machine.
   */
  #realm(text: string | undefined): URL {
    if (text !== undefined && URL.canParse(text)) {
      const realm = new URL(text);
      const { protocol, username, password, host } = realm;
      const isPlainSafe = this.#options.credentials === undefined || isLoopback(host);
      const isSafe =
        protocol === "https:" ||
        (protocol === "http:" && protocol === this.#base.protocol && isPlainSafe);
      if (isSafe && username === "" && password === "") return realm;
    }
    throw new BundleError(
      "Unreachable",
      `${show(this.#base)}: names no usable token service; check the registry`,
    );
  }
}

function parseToken(where: string, body: Buffer): string {
  try {
    const { token, access_token } = JSON.parse(body.toString()) as Record<string, unknown>;
    const found = token ?? access_token;
    if (typeof found === "string" && /^[\x21-\x7e]+$/.test(found)) return found;
  } catch {
    // said below
  }
  throw new BundleError("Unreachable", `${where}: answers no token; check the registry`);
}
