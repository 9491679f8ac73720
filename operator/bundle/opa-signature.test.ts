import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { defaultLimits } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { openBundle } from "./open-bundle.ts";
import { opa, opaAccepts, temporaryFolder } from "./testing/opa.ts";
import { newSigningKey, type SigningKey } from "./testing/signing.ts";
import { type Entry, tarballOf } from "./testing/tarball.ts";

// What a hash over structured files can get wrong: spelling of numbers, escapes, order of keys.
const data = {
  text: '{"names":["é\u2028\u2029<&>\\u0000\\b\\u007f\\"\\\\/","\\ud83d\\ude00"],',
  numbers: '"n":[1.0,1e3,-0.0,12345678901234567890,0.1,1E+2],',
  keys: '"z":{"10":1,"9":2,"\\ud83d\\ude00":1,"\\uff5e":2,"__proto__":{"a":null}},"empty":[{},[]]}',
};
const sources: Readonly<Record<string, string>> = {
  ".manifest":
    '{ "roots": ["shop", "more"], "revision": "r1", "metadata": {"b": 1.50, "a": "<>"} }',
  "shop/policy.rego": "package shop.policy\n\npaths := data.shop.names\n",
  "shop/data.json": `${data.text}\n  ${data.numbers}  ${data.keys}\n`,
  "more/data.yaml":
    "a: [1, 2.50, 1e3, yes, ~, 2026-01-01, 0x1F]\n? 7\n: {b: c}\nbase: &x {k: 1}\nd: {<<: *x, l: é}\n",
};

describe("bundles that the real opa signs", () => {
  const folder = temporaryFolder();
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    return join(folder, path);
  };
  for (const [path, text] of Object.entries(sources)) write(`source/${path}`, text);

  function keyFiles(by: SigningKey, name: string) {
    const secret = write(
      `${name}.pem`,
      by.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    );
    return { secret, known: write(`${name}.pub`, by.key.publicKey) };
  }

  /** Verdicts of opa and of us on the same bytes. */
  async function verdicts(tarball: Uint8Array, by: SigningKey, known: string) {
    const path = write("candidate.tar.gz", tarball);
    const alg = by.key.algorithm;
    const out = join(folder, "out.tar.gz");
    const key = ["--verification-key", known, "--verification-key-id", by.key.id];
    return {
      opa: opaAccepts(["build", "-b", path, "-o", out, "--signing-alg", alg, ...key]),
      ours: await accepts(tarball, by),
    };
  }

  for (const algorithm of ["RS256", "ES256"] as const) {
    const by = newSigningKey("release", algorithm);
    const { secret, known } = keyFiles(by, algorithm);
    const path = join(folder, `${algorithm}.tar.gz`);
    const signing = ["--signing-alg", algorithm, "--signing-key", secret];
    opa([
      "build",
      "-b",
      join(folder, "source"),
      "-o",
      path,
      ...signing,
      "--verification-key-id",
      by.key.id,
    ]);
    const built = readFileSync(path);

    test(`opa build, ${algorithm}: taken whole`, async () => {
      const fetched = await openIt(built, by);
      assert.equal(fetched.revision, "r1");
      assert.deepEqual(fetched.roots, ["shop", "more"]);
      assert.deepEqual(
        fetched.modules.map(({ text }) => text),
        [sources["shop/policy.rego"]],
      );
      assert.deepEqual(fetched.data.shop, JSON.parse(sources["shop/data.json"]!));
      assert.deepEqual(fetched.data.more, {
        a: [1, 2.5, 1000, "yes", null, "2026-01-01", 31],
        "7": { b: "c" },
        base: { k: 1 },
        d: { k: 1, l: "é" },
      });
      assert.deepEqual(await verdicts(built, by, known), { opa: true, ours: true });
    });

    test(`opa sign of a folder, ${algorithm}: JSON and YAML are hashed as they stand`, async () => {
      opa(["sign", "--bundle", ".", ...signing, "-o", folder], join(folder, "source"));
      const entries: readonly Entry[] = [
        ...Object.entries(sources).map(([name, content]) => ({ name, content })),
        { name: ".signatures.json", content: readFileSync(join(folder, ".signatures.json")) },
      ];
      const both = (accepted: boolean) => ({ opa: accepted, ours: accepted });
      const judge = async (changed: readonly Entry[]) =>
        verdicts(await tarballOf(changed), by, known);
      assert.deepEqual(await judge(entries), both(true));
      const spaced = edit(entries, "data.yaml", (text) => text.replace("a: [1,", "a:   [1,"));
      assert.deepEqual(await judge(spaced), both(true));
      const changed = edit(entries, "data.yaml", (text) => text.replace("0x1F", "0x1E"));
      assert.deepEqual(await judge(changed), both(false));
    });

    test(`mutations of a bundle signed with ${algorithm}: opa and we agree`, async () => {
      const entries = await entriesOf(built);
      for (const { name, change, accepted } of mutations) {
        const tarball = await tarballOf(change(entries));
        const expected = { opa: accepted, ours: accepted };
        assert.deepEqual(await verdicts(tarball, by, known), expected, name);
      }
    });
  }
});

const mutations: readonly {
  readonly name: string;
  readonly change: (entries: readonly Entry[]) => readonly Entry[];
  readonly accepted: boolean;
}[] = [
  { name: "nothing", change: (entries) => entries, accepted: true },
  { name: "another order", change: (entries) => entries.toReversed(), accepted: true },
  {
    name: "other spaces in JSON",
    change: (entries) => edit(entries, "/data.json", (text) => ` ${text.replace(/^\{/, "{\n ")}`),
    accepted: true,
  },
  {
    name: "another spelling of a number",
    change: (entries) => edit(entries, "/data.json", (text) => text.replace("1.0,", "1,")),
    accepted: false,
  },
  {
    name: "another value",
    change: (entries) => edit(entries, "/data.json", (text) => text.replace("0.1", "0.2")),
    accepted: false,
  },
  {
    name: "another module",
    change: (entries) => edit(entries, "policy.rego", (text) => `${text}\nx := 1\n`),
    accepted: false,
  },
  {
    name: "another revision",
    change: (entries) => edit(entries, ".manifest", (text) => text.replace("r1", "r2")),
    accepted: false,
  },
  {
    name: "no signature",
    change: (entries) => without(entries, ".signatures.json"),
    accepted: false,
  },
  { name: "no manifest", change: (entries) => without(entries, ".manifest"), accepted: false },
  { name: "no module", change: (entries) => without(entries, "policy.rego"), accepted: false },
  {
    name: "one file more",
    change: (entries) => [...entries, { name: "/more.rego", content: "package shop" }],
    accepted: false,
  },
  {
    name: "a token whose signature is cut",
    change: (entries) =>
      edit(entries, ".signatures.json", (text) => text.replace(/[^".]{20}"/, '"')),
    accepted: false,
  },
  {
    name: "an empty list of signatures",
    change: (entries) => edit(entries, ".signatures.json", () => '{"signatures":[]}'),
    accepted: false,
  },
];

function edit(entries: readonly Entry[], end: string, by: (text: string) => string) {
  return entries.map((entry) =>
    entry.name.endsWith(end) ? { ...entry, content: by(String(entry.content)) } : entry,
  );
}

function without(entries: readonly Entry[], end: string) {
  return entries.filter(({ name }) => !name.endsWith(end));
}

function openIt(tarball: Uint8Array, by: SigningKey) {
  return openBundle({
    content: { kind: "tarball", tarball },
    digest: "",
    limits: defaultLimits,
    verification: { keys: [by.key] },
  });
}

async function accepts(tarball: Uint8Array, by: SigningKey): Promise<boolean> {
  try {
    await openIt(tarball, by);
    return true;
  } catch (error) {
    if (error instanceof BundleError) return false;
    throw error;
  }
}

async function entriesOf(tarball: Uint8Array): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const parser = extract();
  parser.end(gunzipSync(tarball));
  for await (const entry of parser) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    entries.push({ name: entry.header.name, content: Buffer.concat(chunks) });
  }
  return entries;
}
