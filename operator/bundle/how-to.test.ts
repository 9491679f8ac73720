import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseRegoPolicy } from "@guardbee/policy";
import { parse as parseYaml } from "yaml";
import { defaultLimits, type VerificationKey } from "./bundle.ts";
import { bundleErrorReasons } from "./bundle-error.ts";
import { openBundle } from "./open-bundle.ts";
import { needOpa, temporaryFolder } from "./testing/opa.ts";

const page = readFileSync(
  new URL("../../docs/how-to/sign-and-ship-a-bundle.md", import.meta.url),
  "utf8",
);

/** Fenced blocks of a language, each with the line before it. */
function blocks(language: string): readonly { readonly before: string; readonly text: string }[] {
  const fence = new RegExp(`(?:^|\n)(.*)\n\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g");
  return [...page.matchAll(fence)].map(([, before, text]) => ({ before: before!, text: text! }));
}

test("what the how-to writes and runs makes a bundle that its policy takes", async () => {
  const folder = temporaryFolder();
  for (const { before, text } of [...blocks("rego"), ...blocks("json")]) {
    const file = join(folder, /`(policy\/[^`]+)`/.exec(before)![1]!);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const PATH = `${dirname(needOpa())}:${process.env.PATH}`;
  for (const { text } of blocks("console")) {
    for (const step of text.split(/^\$ /m).slice(1)) {
      const [command, ...output] = step.split("\n");
      const options = { cwd: folder, env: { ...process.env, PATH }, stdio: "pipe" } as const;
      const printed = execFileSync("bash", ["-euc", command!], options).toString();
      assert.equal(printed, output.join("\n"), command);
    }
  }
  const example = parseYaml(blocks("yaml")[0]!.text);
  const parsed = parseRegoPolicy(example);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [key] = example.spec.bundle.verification.keys as readonly [VerificationKey];
  const bundle = await openBundle({
    content: { kind: "tarball", tarball: readFileSync(join(folder, "bundle.tar.gz")) },
    digest: "",
    limits: defaultLimits,
    verification: {
      keys: [{ ...key, publicKey: readFileSync(join(folder, "bundle.pub"), "utf8") }],
    },
  });
  assert.equal(bundle.revision, "2026-11-24");
  assert.deepEqual(bundle.data, { forbidden: { paths: ["/srv/cards/"] } });
});

test("the how-to names each reason that a bundle is refused for", () => {
  const [ofBundles = ""] = page.split("A sound bundle may hold a bad policy.");
  const named = [...ofBundles.matchAll(/^\| ([A-Z][A-Za-z, ]+) \|/gm)].flatMap(([, names]) =>
    names!.split(", "),
  );
  assert.deepEqual(named.toSorted(), ["Reason", ...bundleErrorReasons].toSorted());
});
