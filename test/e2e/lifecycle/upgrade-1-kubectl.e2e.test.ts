import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { repositoryRoot } from "../../../build/root.ts";
import { clearPolicies } from "../cluster/fleet.ts";
import { guardbee } from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { lifeCycle } from "./life-cycle.ts";

await clearPolicies();

/** What a user's own overlay would be: ours, and other tags. */
const overlay = mkdtempSync(join(tmpdir(), "guardbee-overlay-"));
after(() => rmSync(overlay, { recursive: true }));
for (const folder of ["config/default", "config/base", "crds"]) {
  cpSync(join(repositoryRoot, folder), join(overlay, folder), { recursive: true });
}

lifeCycle("kubectl and kustomize", {
  install: () => kubectlOutput(["apply", "--server-side", "-k", join(overlay, "config/default")]),
  upgrade: () => {
    const images = ["agent", "operator"].map((name) => ({
      name: `guardbee.invalid/${name}`,
      newTag: "next",
    }));
    const kustomization = { resources: ["config/default"], images };
    writeFileSync(join(overlay, "kustomization.yaml"), JSON.stringify(kustomization));
    return kubectlOutput(["apply", "--server-side", "-k", overlay]);
  },
  uninstall: asTheDocsSay,
});

async function asTheDocsSay(): Promise<void> {
  const text = readFileSync(join(repositoryRoot, "docs/how-to/install.md"), "utf8");
  const remove = text.match(/^## Remove\n([\s\S]*?)^## /m)![1]!;
  const commands = [...remove.matchAll(/^\$ (.*)$/gm)].map((match) => match[1]!.split(" "));
  assert.equal(commands.length, 2);
  for (const [program, ...args] of commands) {
    if (program === "kubectl") await kubectlOutput(args);
    else {
      const { exitCode, stdout, stderr } = await guardbee(args.slice(1));
      assert.equal(exitCode, 0, `${stdout}${stderr}`);
    }
  }
}
