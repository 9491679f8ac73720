import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { startRegistry } from "../bundle/testing/registry-server.ts";
import { startWebServer } from "../bundle/testing/web-server.ts";

/** How a web server answers for one bundle. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server and an OCI registry with bundles by name. */
export type BundleServers = {
  /** Makes both give `content` for `name`. */
  serve(name: string, content: Uint8Array): void;
  /** Makes the web server do something else for it. */
  answer(name: string, answer: Answer): void;
  readonly hosts: Readonly<Record<"http" | "oci", string>>;
  /** `spec.bundle` but for what both share; `more` goes beside the address. */
  readonly sources: Readonly<Record<"http" | "oci", (name: string, more?: object) => object>>;
  /** What the status calls the content that is served. */
  readonly digests: Readonly<Record<"http" | "oci", (name: string) => string | undefined>>;
  close(): Promise<void>;
};

export async function startBundleServers(
  tls?: Parameters<typeof startWebServer>[1],
): Promise<BundleServers> {
  const answers = new Map<string, Answer>();
  const digests = { http: new Map<string, string>(), oci: new Map<string, string>() };
  const registry = await startRegistry(undefined, tls);
  const web = await startWebServer((request, response) => {
    const answer = answers.get(request.url!.slice(1));
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  }, tls);
  return {
    serve(name, content) {
      const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
      digests.http.set(name, digest);
      answers.set(name, (request, response) => {
        const headers = { etag: `"${digest}"` };
        const known = request.headers["if-none-match"] === headers.etag;
        response.writeHead(known ? 304 : 200, headers).end(known ? undefined : content);
      });
      digests.oci.set(name, registry.push(name, [{ content }]).digest);
    },
    answer: (name, answer) => void answers.set(name, answer),
    hosts: { http: web.host, oci: registry.server.host },
    sources: {
      http: (name, more) => ({ http: { url: `${web.origin}/${name}`, ...more } }),
      oci: (name, more) => ({ oci: { reference: registry.reference(name), ...more } }),
    },
    digests: {
      http: (name) => digests.http.get(name),
      oci: (name) => digests.oci.get(name),
    },
    async close() {
      await Promise.all([web.close(), registry.server.close()]);
    },
  };
}
