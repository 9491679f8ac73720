// The commands that pages write, typed as they stand.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repositoryRoot } from "../../build/root.ts";
import { ensureBuilt } from "./lab/build.ts";
import { kubeconfigPath } from "./lab/cluster/control-plane.ts";
import { run } from "./lab/run.ts";

/** The lines of the first block of commands below a heading of a page, without their prompts. */
export function commandsOf(page: string, heading: string): readonly string[] {
  const text = readFileSync(join(repositoryRoot, page), "utf8");
  const [, section = ""] = text.split(`\n${heading}\n`);
  const until = section.search(/^#+ /m);
  const blocks = (until < 0 ? section : section.slice(0, until)).matchAll(
    /^```(?:console)?\n([\s\S]*?)^```$/gm,
  );
  const lines = [...blocks].flatMap(([, block]) => block!.trimEnd().split("\n"));
  if (lines.length === 0) throw new Error(`${page}: has no commands below ${heading}`);
  const typed = lines.filter((line) => line.startsWith("$ "));
  return typed.length > 0 ? typed.map((line) => line.slice(2)) : lines;
}

/** Types commands into a shell in the root of the repository, for the lab's cluster. Throws when one fails. */
export async function typeCommands(commands: readonly string[]): Promise<string> {
  const { kubectl } = await ensureBuilt(["kubernetes"]);
  const { helm } = await ensureBuilt(["helm"]);
  const own = join(repositoryRoot, "node_modules/.bin");
  const PATH = [own, dirname(kubectl!), dirname(helm!), process.env.PATH].join(":");
  let printed = "";
  for (const command of commands) {
    const line = ["bash", "-c", `cd "$0" && ${command}`, repositoryRoot];
    const { exitCode, stdout, stderr } = await run(line, {
      env: { PATH, KUBECONFIG: kubeconfigPath() },
    });
    printed += stdout;
    if (exitCode !== 0) throw new Error(`${command}: ended with ${exitCode}: ${stdout}${stderr}`);
  }
  return printed;
}
