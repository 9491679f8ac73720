import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleBundle } from "./assemble.ts";

const digest = `sha256:${"0".repeat(64)}`;

function assemble(files: Readonly<Record<string, string | Uint8Array>>) {
  const contents = Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]);
  return assembleBundle(new Map(contents as never), { digest, manifest: "required" });
}

test("a bundle has its modules sorted, its data at their folders, its entry points", () => {
  const bundle = assemble({
    "z.rego": "package shop.z",
    "a/b.rego": "package shop.a",
    "data.json": '{"shop":{"top":1}}',
    "shop/deep/data.yaml": "list: [1, yes]\n__proto__: {x: 1}\n",
    "shop/more/data.json": "[true]",
    "README.md": "not data",
    "policy.wasm": Uint8Array.of(0, 97, 115, 109),
    ".manifest": JSON.stringify({
      revision: "r7",
      roots: ["/shop/"],
      wasm: [{ entrypoint: "shop/a/x", module: "/policy.wasm" }],
      rego_version: 1,
    }),
  });
  const deep = Object.fromEntries([
    ["list", [1, "yes"]],
    ["__proto__", { x: 1 }],
  ]);
  assert.deepEqual(bundle, {
    revision: "r7",
    digest,
    modules: [
      { path: "a/b.rego", text: "package shop.a" },
      { path: "z.rego", text: "package shop.z" },
    ],
    data: { shop: { top: 1, deep, more: [true] } },
    wasm: { module: Uint8Array.of(0, 97, 115, 109), entryPoints: ["shop/a/x"] },
    roots: ["shop"],
  });
  assert.equal(({} as { x?: number }).x, undefined);
});

test("a manifest without roots claims everything", () => {
  const bundle = assemble({ ".manifest": "{}", "a.rego": "package anything" });
  assert.deepEqual(bundle, {
    revision: "",
    digest,
    modules: [{ path: "a.rego", text: "package anything" }],
    data: {},
  });
});

const manifest = '{"roots":["shop"]}';
const refused: readonly {
  name: string;
  files: Readonly<Record<string, string | Uint8Array>>;
  want: string;
}[] = [
  {
    name: "a package outside of the roots",
    files: { ".manifest": manifest, "a.rego": "package shopping" },
    want: "package shopping in a.rego is outside of the roots [shop]; move it or change roots in .manifest",
  },
  {
    name: "a module without a package",
    files: { ".manifest": manifest, "a.rego": "x := 1" },
    want: "a.rego does not begin with a package; write package and its path first",
  },
  {
    name: "data outside of the roots",
    files: { ".manifest": '{"roots":["shop/a"]}', "data.json": '{"shop":{"a":1,"b":2}}' },
    want: "data at shop/b is outside of the roots [shop/a]; move it or change roots in .manifest",
  },
  {
    name: "data that stands where a root should be",
    files: { ".manifest": '{"roots":["shop/a"]}', "data.json": '{"shop":7}' },
    want: "data at shop is outside of the roots [shop/a]; move it or change roots in .manifest",
  },
  {
    name: "an entry point outside of the roots",
    files: {
      ".manifest": '{"roots":["shop"],"wasm":[{"entrypoint":"sho/p","module":"policy.wasm"}]}',
      "policy.wasm": "",
    },
    want: "the entry point sho/p is outside of the roots [shop]; move it or change roots in .manifest",
  },
  {
    name: "an entry point of a module that is not there",
    files: { ".manifest": '{"wasm":[{"entrypoint":"a","module":"/policy.wasm"}]}' },
    want: ".manifest names policy.wasm, which is not there; add the module",
  },
  {
    name: "two compiled modules",
    files: { ".manifest": "{}", "a/policy.wasm": "", "b/policy.wasm": "" },
    want: "has 2 policy.wasm; build one with all entry points",
  },
  {
    name: "roots that overlap",
    files: { ".manifest": '{"roots":["a/b","a"]}' },
    want: '.manifest roots "a" and "a/b" overlap; keep the shorter one',
  },
  {
    name: "a manifest elsewhere",
    files: { "x/.manifest": "{}" },
    want: '.manifest is at "x/.manifest"; write it to .manifest at the top',
  },
  {
    name: "a manifest in protobuf",
    files: { ".manifest.pb": "" },
    want: '.manifest is at ".manifest.pb"; write it to .manifest at the top',
  },
  {
    name: "a manifest that is no object",
    files: { ".manifest": "[]" },
    want: ".manifest is not an object; let opa build write it",
  },
  {
    name: "a revision that is no string",
    files: { ".manifest": '{"revision":1}' },
    want: ".manifest revision is not a string; write a string",
  },
  {
    name: "a revision of more than 253 characters",
    files: { ".manifest": JSON.stringify({ revision: "9".repeat(254) }) },
    want: ".manifest revision is longer than 253 characters; name a version or a commit",
  },
  {
    name: "roots that are no strings",
    files: { ".manifest": '{"roots":[1]}' },
    want: ".manifest roots is not a list of strings; write paths",
  },
  {
    name: "Rego of another version",
    files: { ".manifest": '{"rego_version":1,"file_rego_versions":{"/a.rego":0}}' },
    want: ".manifest asks for Rego version 0; write Rego v1 (opa fmt --v0-v1)",
  },
  {
    name: "data set twice",
    files: { ".manifest": "{}", "data.json": '{"a":{"b":1}}', "a/data.json": '{"b":2}' },
    want: 'data.json sets "b" a second time; set it in one file',
  },
  {
    name: "data at the top that is no object",
    files: { ".manifest": "{}", "data.json": "[1]" },
    want: "data.json is not an object; make it one",
  },
  {
    name: "data that is no JSON, without quoting it",
    files: { ".manifest": "{}", "data.json": "{secret" },
    want: "data.json is not JSON; correct it",
  },
  {
    name: "a number that no double holds",
    files: { ".manifest": "{}", "data.json": '{"a":1e999}' },
    want: "data.json is not JSON; correct it",
  },
  {
    name: "data nested without end",
    files: { ".manifest": "{}", "data.json": `{"a":${"[".repeat(2_000)}${"]".repeat(2_000)}}` },
    want: "data.json is nested deeper than 500; flatten it",
  },
  {
    name: "data nested to overflow the stack",
    files: { ".manifest": "{}", "data.json": `${"[".repeat(200_000)}${"]".repeat(200_000)}` },
    want: "data.json is nested deeper than 500; flatten it",
  },
  {
    name: "YAML whose aliases explode",
    files: { ".manifest": "{}", "data.yaml": aliasBomb() },
    want: "data.yaml is not YAML; correct it",
  },
  {
    name: "Rego that is not UTF-8",
    files: { ".manifest": "{}", "a.rego": Uint8Array.of(0xff, 0xfe) },
    want: "a.rego is not UTF-8; save it as UTF-8",
  },
  {
    name: "a delta",
    files: { ".manifest": "{}", "patch.json": "{}" },
    want: "patch.json makes it a delta; serve a whole bundle",
  },
];
for (const { name, files, want } of refused) {
  test(`assembleBundle refuses ${name}`, () => {
    assert.throws(() => assemble(files), { reason: "NotABundle", message: `bundle: ${want}` });
  });
}

test("assembleBundle refuses a bundle without a manifest where one is required", () => {
  assert.throws(() => assemble({ "a.rego": "package a" }), {
    reason: "NoManifest",
    message: "bundle: has no .manifest; build it with opa build",
  });
});

test("assembleBundle refuses documents that would take long to parse", () => {
  const want = (path: string, size: number, most: number, format: string) => ({
    reason: "TooLarge",
    message: `bundle: ${path} has ${size} bytes, at most ${most} are allowed in ${format}; leave out what the policy does not need`,
  });
  assert.throws(
    () => assemble({ ".manifest": `{}${" ".repeat(4_194_303)}` }),
    want(".manifest", 4_194_305, 4_194_304, "JSON"),
  );
  assert.throws(
    () => assemble({ ".manifest": "{}", "a/data.yml": " ".repeat(1_048_577) }),
    want("a/data.yml", 1_048_577, 1_048_576, "YAML"),
  );
  const large = `"${" ".repeat(3_000_000)}"`;
  assert.throws(() => assemble({ ".manifest": "{}", "a/data.json": large, "b/data.json": large }), {
    reason: "TooLarge",
    message: "bundle: has more than 4194304 bytes of data; leave out what the policy does not need",
  });
});

function aliasBomb(): string {
  const lines = ["a0: &a0 [x, x]"];
  for (let level = 1; level < 30; level++) {
    lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  }
  return lines.join("\n");
}
