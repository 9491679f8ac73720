import { createHash } from "node:crypto";
import {
  type CryptoKey,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  importSPKI,
} from "jose";
import { signatureAlgorithms, type VerificationKey } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { parseJson } from "./document.ts";
import { hashStructured } from "./structured-hash.ts";
import type { BundleFiles } from "./unpack.ts";

/** Where the signature stands in a bundle. */
const signaturesPath = ".signatures.json";

/** Who may have signed, and for what. */
export type SignatureKeys = {
  readonly keys: readonly VerificationKey[];
  readonly scope?: string | undefined;
};

/** One file as signed. */
type SignedFile = { readonly hash: string; readonly algorithm: string };

/** OPA's names of digests, and Node's. MD5 and SHA-1, which OPA takes too, prove nothing today. */
const digests: Readonly<Record<string, string>> = {
  "SHA-224": "sha224",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
  "SHA-512-224": "sha512-224",
  "SHA-512-256": "sha512-256",
};

/**
 * Throws unless a key of `verification` signed exactly these files, in OPA's format
 * (https://www.openpolicyagent.org/docs/management-bundles/#signing; OPA v1/bundle/verify.go): each
 * file but `.signatures.json` is listed and unchanged, each listed one is there.
 */
export async function verifySignature(
  files: BundleFiles,
  verification: SignatureKeys,
): Promise<void> {
  const payload = await verifyToken(readToken(files), verification);
  const signed = parsePayload(payload, verification.scope ?? "");
  for (const [path, content] of files) {
    if (path === signaturesPath) continue;
    const expected = signed.get(path);
    if (expected === undefined) {
      throw new BundleError(
        "FileNotListed",
        `bundle: ${path} is not listed in the signature; sign the bundle again`,
      );
    }
    if (hashFile(path, content, expected.algorithm) !== expected.hash) {
      throw new BundleError(
        "FileChanged",
        `bundle: ${path} is not the file that was signed; sign the bundle again, or find out who changed it`,
      );
    }
  }
  const missing = [...signed.keys()].find((path) => !files.has(path));
  if (missing === undefined) return;
  throw new BundleError(
    "FileMissing",
    `bundle: ${missing} is listed in the signature and not there; fetch or build the whole bundle`,
  );
}

function readToken(files: BundleFiles): string {
  const content = files.get(signaturesPath);
  if (content === undefined) throw notSigned(`has no ${signaturesPath}`);
  const raw = parseJson(signaturesPath, content);
  const { signatures, plugin = "" } = (raw ?? {}) as { signatures?: unknown; plugin?: unknown };
  if (plugin !== "" && plugin !== "_default") {
    throw bad(`is made by the plugin ${JSON.stringify(plugin)}`, "sign with opa's own signer");
  }
  if (!Array.isArray(signatures) || signatures.length === 0) {
    throw notSigned(`has no signature in ${signaturesPath}`);
  }
  if (signatures.length > 1) throw bad("is one of several", "sign with one key");
  if (typeof signatures[0] !== "string") throw bad("is not a string", "sign the bundle again");
  return signatures[0];
}

async function verifyToken(token: string, verification: SignatureKeys): Promise<Uint8Array> {
  const id = keyId(token);
  if (id === undefined) {
    // `opa sign` names no key. Any that is trusted may have signed: there is no other claim to check.
    const outcomes = await Promise.allSettled(
      verification.keys.map((key) => verifyWith(token, key)),
    );
    const good = outcomes.find((outcome) => outcome.status === "fulfilled");
    if (good !== undefined) return good.value;
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    throw failed?.reason ?? bad("has no key to be checked with", "configure one");
  }
  const key = verification.keys.find((one) => one.id === id);
  if (key !== undefined) return verifyWith(token, key);
  const known = verification.keys.map((one) => one.id).join(", ");
  throw bad(
    `names the key ${JSON.stringify(id.slice(0, 100))}, known are [${known}]`,
    "add that key or sign with a known one (opa build --verification-key-id)",
  );
}

/** From the header, or the older `keyid` claim, not yet verified; as OPA looks for it. */
function keyId(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token);
    const { keyid } = kid === undefined || kid === "" ? decodeJwt(token) : { keyid: kid };
    if (keyid === undefined || keyid === "") return undefined;
    if (typeof keyid === "string") return keyid;
  } catch (error) {
    throw bad("is no JSON web token", "sign the bundle with opa", error);
  }
  throw bad("names a key that is not a string", "sign the bundle with opa");
}

async function verifyWith(token: string, key: VerificationKey): Promise<Uint8Array> {
  const imported = await importKey(key);
  try {
    const { payload } = await compactVerify(token, imported, { algorithms: [key.algorithm] });
    return payload;
  } catch (error) {
    const what =
      error instanceof errors.JOSEAlgNotAllowed
        ? `is not made with ${key.algorithm}`
        : "does not hold";
    throw bad(`${what} (key ${key.id})`, "sign the bundle with the key's private half", error);
  }
}

async function importKey(key: VerificationKey): Promise<CryptoKey> {
  const where = `verification key ${key.id}`;
  if (!signatureAlgorithms.includes(key.algorithm)) {
    throw new BundleError(
      "InvalidSource",
      `${where}: algorithm ${JSON.stringify(key.algorithm)} is not allowed; use one of ${signatureAlgorithms.join(", ")}`,
    );
  }
  try {
    return await importSPKI(key.publicKey, key.algorithm);
  } catch (error) {
    throw new BundleError(
      "InvalidSource",
      `${where}: is no public key for ${key.algorithm}; write PEM as openssl pkey -pubout does`,
      { cause: error },
    );
  }
}

function parsePayload(payload: Uint8Array, wantedScope: string): ReadonlyMap<string, SignedFile> {
  const raw = parseJson(`${signaturesPath}: the payload`, payload);
  const { files, scope = "" } = (raw ?? {}) as { files?: unknown; scope?: unknown };
  if (scope !== wantedScope) {
    throw bad(
      `has the scope ${JSON.stringify(scope)} and not ${JSON.stringify(wantedScope)}`,
      "sign it for this scope",
    );
  }
  if (!Array.isArray(files) || files.length === 0) throw bad("lists no files", "sign with opa");
  const signed = new Map<string, SignedFile>();
  for (const file of files as readonly unknown[]) {
    const { name, hash, algorithm } = (file ?? {}) as Record<string, unknown>;
    if (typeof name !== "string" || typeof hash !== "string" || typeof algorithm !== "string") {
      throw bad("lists a file without name, hash or algorithm", "sign with opa");
    }
    if (signed.has(name)) throw bad(`lists ${JSON.stringify(name)} twice`, "sign with opa");
    if (!Object.hasOwn(digests, algorithm)) {
      throw bad(`has a digest by ${JSON.stringify(algorithm)}`, "sign with SHA-256");
    }
    signed.set(name, { hash: hash.toLowerCase(), algorithm });
  }
  return signed;
}

function hashFile(path: string, content: Buffer, algorithm: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const digest = digests[algorithm]!;
  if (name === "data.json" || name === ".manifest") {
    return hashStructured({ path, content, format: "JSON" }, digest);
  }
  if (name === "data.yaml" || name === "data.yml") {
    return hashStructured({ path, content, format: "YAML" }, digest);
  }
  return createHash(digest).update(content).digest("hex");
}

function notSigned(what: string): BundleError {
  return new BundleError(
    "NotSigned",
    `bundle: ${what}, and verification is configured; sign it with opa build --signing-key`,
  );
}

function bad(what: string, fix: string, cause?: unknown): BundleError {
  return new BundleError("BadSignature", `bundle: the signature ${what}; ${fix}`, { cause });
}
