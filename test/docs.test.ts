import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { exceptionReasons, lower, parsePolicies } from "@guardbee/policy";
import { attachKinds } from "../agent/attach/index.ts";

const root = dirname(import.meta.dirname);
const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root })].sort();
const textOf = (file: string) => readFileSync(join(root, file), "utf8");

/** As GitHub names headings. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

test("every link between pages leads to a file and a heading that are there", () => {
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
      if (/^[a-z]+:/.test(link!)) return [];
      const [path, anchor] = link!.split("#") as [string, string?];
      const target = path === "" ? join(root, page) : resolve(root, dirname(page), path);
      if (!existsSync(target)) return [`${page}: ${link} is not there`];
      if (anchor === undefined) return [];
      const headings = [...textOf(relative(root, target)).matchAll(/^#+ (.*)$/gm)];
      return headings.some(([, heading]) => anchorOf(heading!) === anchor)
        ? []
        : [`${page}: ${link} names no heading`];
    }),
  );
  assert.deepEqual(broken, []);
});

test("every page is in the index", () => {
  const index = textOf("docs/README.md");
  const missing = pages
    .filter((page) => page.startsWith("docs/") && !page.startsWith("docs/decisions/"))
    .map((page) => page.slice("docs/".length))
    .filter((page) => page !== "README.md" && !index.includes(`(${page})`));
  assert.deepEqual(missing, []);
});

test("each file and command that contributing names is there", () => {
  const page = textOf("docs/contributing.md");
  const files = [...page.matchAll(/`([\w./-]+\.(?:ts|h|c))`/g)].map(([, file]) => file!);
  assert.ok(files.length > 25);
  assert.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  );
  const targets = new Set(textOf("Makefile").match(/^[a-z-]+(?=:)/gm));
  const named = [...page.matchAll(/(?:\$ |`)make ([a-z-]+)/g)].map(([, target]) => target!);
  assert.ok(named.length > 4);
  assert.deepEqual(
    named.filter((target) => !targets.has(target)),
    [],
  );
  const rows = [...page.matchAll(/One row more in `(\w+)`/g)].map(([, name]) => name!);
  const sources = files.map((file) => textOf(file)).join("\n");
  assert.deepEqual(
    rows.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources)),
    [],
  );
});

test("the support matrix has the versions that the lab runs, and every feature of a kernel", () => {
  const page = textOf("docs/reference/support-matrix.md");
  const lab = textOf("test/e2e/lab/items.ts") + textOf("build/tools/items.ts");
  const versions = [
    ...lab.matchAll(/kubernetes\("[a-z-]+", "([\d.]+)"/g),
    ...lab.matchAll(/"(?:containerd|runc|helm|kustomize|opa)",\s+"[^"]+",\s+"v([\d.]+)"/g),
    ...lab.matchAll(/module: "[^"]*argo-cd[^"]*", version: "v([\d.]+)"/g),
    ...lab.matchAll(/"linux-image-([\d.]+(?:-\d+)?)/g),
  ].map(([, version]) => version!);
  assert.ok(versions.length >= 9, `${versions}`);
  assert.deepEqual(
    versions.filter((version) => !page.includes(version)),
    [],
  );
  const asked = attachKinds.flatMap(({ features }) => Object.keys(features));
  const features = [...new Set([...asked, "btf", "ia32_emulation", "lsm"])];
  assert.deepEqual(
    features.filter((feature) => !page.includes(`| \`${feature}\` |`)),
    [],
  );
});

test("the reasons that a node gives are in the page about statuses", () => {
  const page = textOf("docs/concepts/status.md");
  const missing = exceptionReasons.filter((reason) => !page.includes(`\n| ${reason} | `));
  assert.deepEqual(missing, []);
});

test("the policies that how-tos write are accepted, and supported", () => {
  const written = pages.flatMap((page) =>
    [...textOf(page).matchAll(/```yaml\n(apiVersion: cilium\.io[\s\S]*?)```/g)].map(
      ([, text]) => [page, text!] as const,
    ),
  );
  assert.ok(written.length > 0);
  for (const [page, text] of written) {
    const { policies, problems } = parsePolicies(text, page);
    const refused = policies.flatMap(({ result }) => {
      const lowered = result.ok ? lower(result.value) : result;
      return lowered.ok ? [] : lowered.problems;
    });
    assert.deepEqual([...problems, ...refused], [], page);
  }
});

test("each annotation and label that is read or written is in the reference", () => {
  const sources = globSync("{agent,operator,policy,cli,rego}/**/*.{ts,rego}", {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  }).filter((file) => !/test|\/gen\//.test(file));
  const used = new Set(
    sources.flatMap((file) => textOf(file).match(/guardbee\.io\/[a-z][a-z-]+/g) ?? []),
  );
  for (const internal of ["guardbee.io/policy", "guardbee.io/v"]) used.delete(internal);
  const page = textOf("docs/reference/annotations.md");
  assert.ok(used.size > 5);
  assert.deepEqual([...used].filter((name) => !page.includes(`\`${name}`)).sort(), []);
});
