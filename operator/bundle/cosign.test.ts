import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, test } from "node:test";
import { systemClock } from "@guardbee/kube";
import { type BundleSource, defaultLimits, type Verification } from "./bundle.ts";
import { verifyArtifact } from "./cosign.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { parseOciReference } from "./oci-reference.ts";
import { Registry } from "./registry.ts";
import { fetchOciBundle as get, registryOfTest } from "./testing/oci.ts";
import { simpleSigning } from "./testing/registry-server.ts";
import { newSigningKey, signed } from "./testing/signing.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { egressOfTest } from "./testing/web-server.ts";

const tarball = await tarballOf(soundEntries());
const never = new AbortController().signal;
const { registryWith } = registryOfTest();

describe("a cosign signature", () => {
  const keyOf = (publicKey: KeyObject, id: string) => ({
    id,
    publicKey: publicKey.export({ type: "spki", format: "pem" }) as string,
  });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const verification: Verification = { keys: [], artifactKeys: [keyOf(ec.publicKey, "release")] };
  const signer = (key: KeyObject) => (payload: Buffer) => sign("sha256", payload, key);

  const pairs = [
    { name: "ECDSA", pair: ec, algorithm: "sha256" },
    { name: "RSA", pair: generateKeyPairSync("rsa", { modulusLength: 2048 }), algorithm: "sha256" },
    { name: "Ed25519", pair: generateKeyPairSync("ed25519"), algorithm: null },
  ] as const;
  for (const { name, pair, algorithm } of pairs) {
    test(`of ${name} is taken`, async () => {
      const registry = await registryWith();
      const { digest } = registry.push("v1", [{ content: tarball }]);
      registry.cosign(digest, (payload) => sign(algorithm, payload, pair.privateKey));
      const artifactKeys = [keyOf(stranger.publicKey, "other"), keyOf(pair.publicKey, "release")];
      const fetched = await get(
        { reference: registry.reference("v1") },
        { verification: { keys: [], artifactKeys } },
      );
      assert.equal(fetched.kind, "bundle");
    });
  }

  test("that cosign itself made is taken", async () => {
    // cosign 2.6.1: generate-key-pair, sign --key --tlog-upload=false of an image in a registry
    const publicKey = [
      "-----BEGIN PUBLIC KEY-----",
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEotWhHW3LT1e4TAChIZYrSs+bQeMV",
      "bMN/weMFa2iHCuFCLU62aYJzF2X6dB28ZDteLCgY/JcFyAixk+1U3Z0VSA==",
      "-----END PUBLIC KEY-----",
    ].join("\n");
    const digest = "sha256:8cec58d2fdf546f019d53a943bee9f48b93fb2e000f0d658e38c6ca78d29ee66";
    const payload = {
      critical: {
        identity: { "docker-reference": "127.0.0.1:5077/team/policy" },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: null,
    };
    const signature =
      "MEQCIDEccKOohmYzONGeKptEE9F6YAEppm434SHwQglMkhv+AiAZ1+UgEcjmmAN+7oC9Qh6WdWs1sfnXHLKum1OGUuRKlQ==";
    const server = await registryWith();
    server.cosign(digest, () => Buffer.from(signature, "base64"), payload);
    const reference = parseOciReference(server.reference("v1"));
    const registry = new Registry(
      { reference },
      { clock: systemClock, idleMs: 60_000, egress: egressOfTest },
    );
    const verify = (artifact: string) =>
      verifyArtifact(
        registry,
        { where: "here", digest: artifact },
        [{ id: "release", publicKey }],
        never,
      );
    await verify(digest);
    const other = digest.replace("8cec", "8ced");
    server.cosign(other, () => Buffer.from(signature, "base64"), payload);
    await assert.rejects(verify(other), { reason: "BadSignature" });
  });

  test("that is missing is NotSigned", async () => {
    const registry = await registryWith();
    const { digest } = registry.push("v1", [{ content: tarball }]);
    const reference = registry.reference("v1");
    const want = {
      reason: "NotSigned",
      message: `${reference}: has no signature for ${digest}, and verification is configured; sign it with cosign sign --key`,
    };
    await assert.rejects(get({ reference }, { verification }), want);
    registry.push(`${digest.replace(":", "-")}.sig`, []);
    await assert.rejects(get({ reference }, { verification }), want);
  });

  const bad: readonly {
    name: string;
    key: KeyObject;
    payload: (digest: string) => object;
  }[] = [
    { name: "of a stranger", key: stranger.privateKey, payload: simpleSigning },
    {
      name: "of another artifact",
      key: ec.privateKey,
      payload: () => simpleSigning(`sha256:${"0".repeat(64)}`),
    },
    {
      name: "of another type",
      key: ec.privateKey,
      payload: (digest) => ({
        critical: { type: "atomic", image: { "docker-manifest-digest": digest } },
      }),
    },
    { name: "of nothing", key: ec.privateKey, payload: () => [] },
  ];
  for (const { name, key, payload } of bad) {
    test(`${name} is BadSignature`, async () => {
      const registry = await registryWith();
      const { digest } = registry.push("v1", [{ content: tarball }]);
      registry.cosign(digest, signer(key), payload(digest));
      const reference = registry.reference("v1");
      await assert.rejects(get({ reference }, { verification }), {
        reason: "BadSignature",
        message: `${reference}: no signature for ${digest} holds with [release]; sign it with the private half of one of them`,
      });
    });
  }

  test("does not stand in for one in the bundle where both are asked for", async () => {
    const registry = await registryWith();
    const ours = newSigningKey("ours");
    const both = { ...verification, keys: [ours.key] };
    const { digest } = registry.push("v1", [{ content: tarball }]);
    registry.cosign(digest, signer(ec.privateKey));
    const reference = registry.reference("v1");
    await assert.rejects(get({ reference }, { verification: both }), { reason: "NotSigned" });
    const whole = registry.push("v1", [
      { content: await tarballOf(await signed(soundEntries(), ours)) },
    ]);
    await assert.rejects(get({ reference }, { verification: both }), {
      reason: "NotSigned",
      message: `${reference}: has no signature for ${whole.digest}, and verification is configured; sign it with cosign sign --key`,
    });
    registry.cosign(whole.digest, signer(ec.privateKey));
    assert.equal((await get({ reference }, { verification: both })).kind, "bundle");
  });

  test("cannot be asked of a source that has none, nor can nothing be asked", async () => {
    const source: BundleSource = { kind: "configMap", files: { "a.rego": "package a" } };
    const options = { limits: defaultLimits, timeoutMs: 1, egress: egressOfTest, signal: never };
    await assert.rejects(fetchBundle(source, { ...options, verification }), {
      reason: "NotSigned",
      message:
        "bundle verification: asks for a signed artifact, which a source configMap is not; use keys",
    });
    await assert.rejects(fetchBundle(source, { ...options, verification: { keys: [] } }), {
      reason: "InvalidSource",
      message: "bundle verification: has no keys; add one",
    });
  });

  test("is not checked with what is no public key", async () => {
    const registry = await registryWith();
    registry.push("v1", [{ content: tarball }]);
    const secret = ec.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const exchange = generateKeyPairSync("x25519").publicKey;
    const wrong = ["garbage", secret, keyOf(exchange, "").publicKey];
    for (const publicKey of wrong) {
      const artifactKeys = [{ id: "k", publicKey }];
      await assert.rejects(
        get({ reference: registry.reference("v1") }, { verification: { keys: [], artifactKeys } }),
        {
          reason: "InvalidSource",
          message:
            "verification key k: is no public key of ECDSA, RSA or Ed25519; write PEM as in cosign.pub",
        },
      );
    }
  });
});
