import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import manifest from "./package.json" with { type: "json" };

const cases: Readonly<Record<keyof typeof manifest.bin, { argv: string[]; want: RegExp }>> = {
  guardbee: { argv: ["--help"], want: /^guardbee <command>\n.*\n {2}guardbee operator /s },
  tetra: { argv: ["--help"], want: /^tetra <command>\n.*\n {2}tetra getevents /s },
  "kubectl-guardbee": {
    argv: ["--help"],
    want: /^kubectl guardbee <command>\n(?!.*guardbee operator ).*\n {2}kubectl guardbee explain <pod> /s,
  },
  "kubectl_complete-guardbee": { argv: ["exp"], want: /^explain\n:4\n$/ },
};
for (const [name, { argv, want }] of Object.entries(cases)) {
  test(`${name} ${argv.join(" ")}, as the package installs it`, async () => {
    const file = manifest.bin[name as keyof typeof manifest.bin];
    const path = fileURLToPath(new URL(file, import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [path, ...argv]);
    assert.match(stdout, want);
  });
}

test("a link named tetra is tetra", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tetra-link-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const link = join(folder, "tetra");
  symlinkSync(fileURLToPath(new URL(manifest.bin.guardbee, import.meta.url)), link);
  const { stdout } = await promisify(execFile)(process.execPath, [link, "help"]);
  assert.match(stdout, /^tetra <command>\n/);
});
