import { BundleError } from "./bundle-error.ts";
import { isDigest } from "./content-digest.ts";

/** An artifact in a registry. */
export type OciReference = {
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly repository: string;
  /** What the registry is asked for: a tag, or a digest, which wins when both are written. */
  readonly version: string;
  /** Set when `version` is a digest. */
  readonly digest?: string;
};

const repositoryPattern = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;
const registryPattern = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/** `registry/repository[:tag][@sha256:<hex>]`; InvalidSource when it has another form. */
export function parseOciReference(text: string): OciReference {
  const [named, digest, ...more] = text.replace(/^oci:\/\//, "").split("@");
  const slash = named!.indexOf("/");
  const registry = named!.slice(0, Math.max(slash, 0));
  const [repository, tag, ...rest] = named!.slice(slash + 1).split(":");
  const sound =
    more.length === 0 &&
    rest.length === 0 &&
    named!.length <= 512 &&
    registryPattern.test(registry) &&
    URL.canParse(`https://${registry}`) && // no port 99999, no address 1.2.3.4.5
    repositoryPattern.test(repository!) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined ? tag !== undefined : isDigest(digest));
  if (!sound) {
    throw new BundleError(
      "InvalidSource",
      `OCI reference ${JSON.stringify(text.slice(0, 200))}: has no such form; write registry/repository:tag or registry/repository@sha256:<64 hex digits>`,
    );
  }
  if (digest === undefined) return { registry, repository: repository!, version: tag! };
  return { registry, repository: repository!, version: digest, digest };
}
