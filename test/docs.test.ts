import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { lower, parsePolicies } from "@guardbee/policy";

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
