/** Where a bundle comes from. Secrets and ConfigMaps are read by the caller. */
export type BundleSource =
  /** Loose files, or one gzipped tarball (a key that ends in `.tar.gz`) and nothing else. */
  | {
      readonly kind: "configMap";
      readonly files: Readonly<Record<string, string>>;
      readonly binary?: Readonly<Record<string, Uint8Array>>;
    }
  | {
      readonly kind: "http";
      /** `http:` or `https:`, without user or password in it. */
      readonly url: string;
      readonly credentials?: Credentials;
      /** PEM. The only authorities trusted for this source; default: the system's. */
      readonly ca?: string;
      /** `sha256:<hex>` of the tarball. */
      readonly digest?: string;
    }
  | {
      readonly kind: "oci";
      /** `registry/repository:tag` or `registry/repository@sha256:<hex>`. */
      readonly reference: string;
      readonly credentials?: Credentials;
      readonly ca?: string;
      /** `sha256:<hex>` of the artifact's manifest. */
      readonly digest?: string;
      /** Speak HTTP without TLS; default only to a registry on loopback, and not with `ca`. */
      readonly plainHttp?: boolean;
    };

/** A bearer token, or else a user and a password. */
export type Credentials = {
  /** The hosts that they may be sent to, as assertHostPatterns takes them; absent: the source's. */
  readonly hosts?: readonly string[];
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
};

/** Algorithms that a bundle may be signed with. Never `none`, nor HMAC: these keys are public. */
export const signatureAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** A key that bundle signatures are checked with. */
export type VerificationKey = {
  /** The `kid` that signatures name it by. `opa build` writes `default` unless told otherwise. */
  readonly id: string;
  readonly algorithm: (typeof signatureAlgorithms)[number];
  /** PEM, as `openssl pkey -pubout` writes it. */
  readonly publicKey: string;
};

/**
 * Which signatures a bundle must have. Each list that is not empty is demanded, so with both lists
 * both are; with neither, nothing verifies.
 */
export type Verification = {
  /** For the signature inside the bundle, as `opa sign` and `opa build --signing-key` make it. */
  readonly keys: readonly VerificationKey[];
  /** What the signature's `scope` claim must be; default: none. */
  readonly scope?: string;
  /** For a cosign signature of the OCI artifact's manifest. A source that is not OCI has none. */
  readonly artifactKeys?: readonly ArtifactKey[];
};

/** A key that cosign signatures are checked with: ECDSA, RSA or Ed25519. */
export type ArtifactKey = {
  /** For messages. */
  readonly id: string;
  /** PEM, as `cosign generate-key-pair` writes to cosign.pub. */
  readonly publicKey: string;
};

/** What a bundle may at most be. Reaching one is `TooLarge`. */
export type BundleLimits = {
  /** Of the tarball. */
  readonly compressedBytes: number;
  /** Of all that is in it, the tar headers included. */
  readonly unpackedBytes: number;
  readonly files: number;
};

/** Policies are text: the largest bundles known are a few MB. */
export const defaultLimits: BundleLimits = {
  compressedBytes: 8 * 1024 * 1024,
  unpackedBytes: 16 * 1024 * 1024,
  files: 1_000,
};

/** A bundle that was fetched, unpacked and, if so asked, verified. */
export type Bundle = {
  /** From `.manifest`; empty when it names none. */
  readonly revision: string;
  /**
   * `sha256:<hex>` of what was fetched, in the form that pins it: of the tarball over HTTP, of the
   * manifest (which names the tarball's) for OCI, over all files of a ConfigMap.
   */
  readonly digest: string;
  /** Every Rego file by its path in the bundle: relative, with `/`, sorted. */
  readonly modules: readonly BundleModule[];
  /** data.json and data.yaml files, each merged in at its folder. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly wasm?: BundleWasm;
  /** From `.manifest`, without slashes at the ends; absent when it claims everything. */
  readonly roots?: readonly string[];
};

export type BundleModule = { readonly path: string; readonly text: string };

/** The compiled policy in a bundle, not yet checked in any way. */
export type BundleWasm = {
  readonly module: Uint8Array<ArrayBuffer>;
  /** As `.manifest` names them: `guardbee/generate`. */
  readonly entryPoints: readonly string[];
};
