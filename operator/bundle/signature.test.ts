import assert from "node:assert/strict";
import { test } from "node:test";
import { SignJWT } from "jose";
import type { Verification } from "./bundle.ts";
import { verifySignature } from "./signature.ts";
import { newSigningKey, type SignedFile, type SignOptions, signed } from "./testing/signing.ts";
import { type Entry, soundEntries, tarballOf } from "./testing/tarball.ts";
import { unpackTarball } from "./unpack.ts";

const limits = { compressedBytes: 100_000, unpackedBytes: 200_000, files: 10 };
const ours = newSigningKey("ours");
const rsa = newSigningKey("rsa", "RS256");
const stranger = newSigningKey("ours");
const trusted: Verification = { keys: [rsa.key, ours.key] };

async function verify(entries: readonly Entry[], verification = trusted): Promise<void> {
  await verifySignature(await unpackTarball(await tarballOf(entries), limits), verification);
}

function change(entries: readonly Entry[], changed: Entry): readonly Entry[] {
  return [...entries.filter(({ name }) => name !== changed.name), changed];
}

function withSignatures(content: unknown): readonly Entry[] {
  return soundEntries({ name: "/.signatures.json", content: JSON.stringify(content) });
}

test("verifySignature takes a bundle signed with any of the keys", async () => {
  await verify(await signed(soundEntries(), ours));
  await verify(await signed(soundEntries(), rsa));
});

test("verifySignature takes a signature that names no key when a trusted key made it", async () => {
  await verify(await signed(soundEntries(), ours, { header: { kid: "" } }));
  await verify(
    await signed(soundEntries(), ours, { header: { kid: "" }, claims: { keyid: "ours" } }),
  );
});

test("verifySignature takes a signature of the wanted scope only", async () => {
  const write = await signed(soundEntries(), ours, { claims: { scope: "write" } });
  await verify(write, { ...trusted, scope: "write" });
  await assert.rejects(verify(write), {
    reason: "BadSignature",
    message: 'bundle: the signature has the scope "write" and not ""; sign it for this scope',
  });
});

const unsigned: readonly { name: string; entries: () => readonly Entry[]; want: string }[] = [
  {
    name: "a stripped signature",
    entries: () => soundEntries(),
    want: "has no .signatures.json",
  },
  {
    name: "an empty list of signatures",
    entries: () => withSignatures({ signatures: [] }),
    want: "has no signature in .signatures.json",
  },
  {
    name: "a signature file that says nothing",
    entries: () => withSignatures({}),
    want: "has no signature in .signatures.json",
  },
  {
    name: "a signature in another folder",
    entries: () => soundEntries({ name: "/a/.signatures.json", content: "{}" }),
    want: "has no .signatures.json",
  },
];
for (const { name, entries, want } of unsigned) {
  test(`verifySignature refuses ${name} as NotSigned`, async () => {
    await assert.rejects(verify(entries()), {
      reason: "NotSigned",
      message: `bundle: ${want}, and verification is configured; sign it with opa build --signing-key`,
    });
  });
}

const keepAll = (files: readonly SignedFile[]) => files;
const wrong: readonly { name: string; options: SignOptions; want: string }[] = [
  {
    name: "an unknown key",
    options: { header: { kid: "other" } },
    want: 'names the key "other", known are [rsa, ours]; add that key or sign with a known one (opa build --verification-key-id)',
  },
  {
    name: "another key's algorithm",
    options: { header: { kid: "rsa" } },
    want: "is not made with RS256 (key rsa); sign the bundle with the key's private half",
  },
  { name: "no files", options: { files: () => [] }, want: "lists no files; sign with opa" },
  {
    name: "a file listed twice",
    options: { files: (files) => [...files, files[0]!] },
    want: 'lists ".manifest" twice; sign with opa',
  },
  {
    name: "a file without a digest",
    options: { files: (files) => [...files, { name: "x" }] },
    want: "lists a file without name, hash or algorithm; sign with opa",
  },
  {
    name: "a digest that is broken",
    options: { files: (files) => files.map((file) => ({ ...file, algorithm: "SHA-1" })) },
    want: 'has a digest by "SHA-1"; sign with SHA-256',
  },
  {
    name: "a digest named like a property of every object",
    options: { files: (files) => files.map((file) => ({ ...file, algorithm: "constructor" })) },
    want: 'has a digest by "constructor"; sign with SHA-256',
  },
  {
    name: "a scope nobody asked for",
    options: { files: keepAll, claims: { scope: 7 } },
    want: 'has the scope 7 and not ""; sign it for this scope',
  },
];
for (const { name, options, want } of wrong) {
  test(`verifySignature refuses ${name}`, async () => {
    await assert.rejects(verify(await signed(soundEntries(), ours, options)), {
      reason: "BadSignature",
      message: `bundle: the signature ${want}`,
    });
  });
}

test("verifySignature refuses a stranger's key under a trusted name", async () => {
  await assert.rejects(verify(await signed(soundEntries(), stranger)), {
    reason: "BadSignature",
    message:
      "bundle: the signature does not hold (key ours); sign the bundle with the key's private half",
  });
  await assert.rejects(
    verify(await signed(soundEntries(), stranger, { header: { kid: "" } }), { keys: [ours.key] }),
    { reason: "BadSignature" },
  );
});

test("verifySignature refuses a token that says it needs no signature", async () => {
  const { name, content } = (await signed(soundEntries(), ours)).at(-1)!;
  const token = JSON.parse(String(content)).signatures[0] as string;
  const header = Buffer.from('{"alg":"none","kid":"ours"}').toString("base64url");
  const none = `${header}.${token.split(".")[1]}.`;
  const entry = { name, content: JSON.stringify({ signatures: [none] }) };
  await assert.rejects(verify(soundEntries(entry)), {
    reason: "BadSignature",
    message:
      "bundle: the signature is not made with ES256 (key ours); sign the bundle with the key's private half",
  });
});

test("verifySignature refuses an HMAC made with the public key as its secret", async () => {
  const token = await new SignJWT({ files: [] })
    .setProtectedHeader({ alg: "HS256", kid: "rsa" })
    .sign(Buffer.from(rsa.key.publicKey));
  await assert.rejects(verify(withSignatures({ signatures: [token] })), {
    reason: "BadSignature",
    message:
      "bundle: the signature is not made with RS256 (key rsa); sign the bundle with the key's private half",
  });
});

const malformed: readonly { name: string; content: unknown; want: string }[] = [
  {
    name: "two signatures",
    content: { signatures: ["a", "b"] },
    want: "is one of several; sign with one key",
  },
  {
    name: "a signature of another plugin",
    content: { signatures: ["a"], plugin: "x" },
    want: 'is made by the plugin "x"; sign with opa\'s own signer',
  },
  {
    name: "a signature that is a number",
    content: { signatures: [1] },
    want: "is not a string; sign the bundle again",
  },
  {
    name: "a signature that is no token",
    content: { signatures: ["garbage"] },
    want: "is no JSON web token; sign the bundle with opa",
  },
];
for (const { name, content, want } of malformed) {
  test(`verifySignature refuses ${name}`, async () => {
    await assert.rejects(verify(withSignatures(content)), {
      reason: "BadSignature",
      message: `bundle: the signature ${want}`,
    });
  });
}

test("verifySignature refuses a changed file, of any kind", async () => {
  const entries = await signed(soundEntries(), ours);
  const changes = [
    { name: "/shop/policy.rego", content: "package shop\n\npaths := []\n" },
    { name: "/data.json", content: '{"shop":{"paths":[]}}' },
    { name: "/.manifest", content: '{"revision":"r2","roots":["shop"]}' },
  ];
  for (const changed of changes) {
    await assert.rejects(verify(change(entries, changed)), {
      reason: "FileChanged",
      message: `bundle: ${changed.name.slice(1)} is not the file that was signed; sign the bundle again, or find out who changed it`,
    });
  }
});

test("verifySignature refuses a file that is not listed, whatever its kind", async () => {
  const entries = await signed(soundEntries(), ours);
  for (const name of [
    "extra.rego",
    "shop/data.yaml",
    "policy.wasm",
    "README",
    "a/.signatures.json",
  ]) {
    await assert.rejects(verify([...entries, { name, content: "{}" }]), {
      reason: "FileNotListed",
      message: `bundle: ${name} is not listed in the signature; sign the bundle again`,
    });
  }
});

test("verifySignature refuses a bundle that lacks a listed file", async () => {
  for (const missing of ["/.manifest", "/shop/policy.rego", "/data.json"]) {
    const entries = (await signed(soundEntries(), ours)).filter(({ name }) => name !== missing);
    await assert.rejects(verify(entries), {
      reason: "FileMissing",
      message: `bundle: ${missing.slice(1)} is listed in the signature and not there; fetch or build the whole bundle`,
    });
  }
});

test("verifySignature names a key that cannot be one", async () => {
  const entries = await signed(soundEntries(), ours);
  const broken = { ...ours.key, publicKey: "-----BEGIN PUBLIC KEY-----" };
  await assert.rejects(verify(entries, { keys: [broken] }), {
    reason: "InvalidSource",
    message:
      "verification key ours: is no public key for ES256; write PEM as openssl pkey -pubout does",
  });
  const secret = { ...ours.key, algorithm: "HS256" as never };
  await assert.rejects(verify(entries, { keys: [secret] }), {
    reason: "InvalidSource",
    message:
      'verification key ours: algorithm "HS256" is not allowed; use one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA',
  });
});
