import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type CompletionShell, completionScript } from "./completion.ts";

const folder = mkdtempSync(join(tmpdir(), "guardbee-completion-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const bins = fileURLToPath(new URL("../bin", import.meta.url));
for (const program of ["guardbee", "tetra"]) {
  symlinkSync(join(bins, `${program}.js`), join(folder, program));
}
writeFileSync(join(folder, "deny.yaml"), "");

/** Has the shell print what it would offer behind `line`, each on a line of its own. */
const asking: Readonly<
  Record<"bash" | "fish", (script: string, line: string) => readonly string[]>
> = {
  bash: (script, line) => {
    const words = line.split(" ");
    const set = `COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")})`;
    const ask = `COMP_CWORD=${words.length - 1}; _${words[0]}_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return ["bash", "--norc", "-c", `${script}${set}; ${ask}`];
  },
  fish: (script, line) => ["fish", "--no-config", "-c", `${script}complete -C '${line}'`],
};

async function offered(shell: keyof typeof asking, line: string): Promise<readonly string[]> {
  const script = completionScript(shell, line.startsWith("tetra ") ? "tetra" : "guardbee");
  const [program, ...args] = asking[shell](script, line);
  const path = [folder, join(process.execPath, ".."), process.env.PATH].join(delimiter);
  const env = { ...process.env, HOME: folder, PATH: path, SHELL: "/bin/sh" };
  const { stdout } = await promisify(execFile)(program!, args, { cwd: folder, env });
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash offers what may follow", async () => {
  assert.deepEqual(await offered("bash", "guardbee eve"), ["events"]);
  assert.deepEqual(await offered("bash", "tetra cri "), ["version", "cgroup_path"]);
  assert.deepEqual(await offered("bash", "guardbee policy check --disable-g"), [
    "--disable-guard-rail",
  ]);
});

test("what an alias stands for is completed, and tetra by its place among guardbee's words", async () => {
  assert.deepEqual(await offered("bash", "tetra tp set-"), ["set-mode"]);
  assert.deepEqual(await offered("bash", "tetra help tp set-"), ["set-mode"]);
  assert.deepEqual(await offered("bash", "guardbee tetra cri "), ["version", "cgroup_path"]);
});

test("fish offers what may follow, with what it means, or a file", async () => {
  const [follow, ...others] = await offered("fish", "guardbee events ");
  assert.match(follow!, /^follow\tCopy the lines/);
  assert.deepEqual(others, []);
  assert.deepEqual((await offered("fish", "tetra cri ")).map(firstWord), [
    "cgroup_path",
    "version",
  ]);
  const [rail] = await offered("fish", "guardbee policy check --disable-g");
  assert.equal(firstWord(rail!), "--disable-guard-rail");
  assert.deepEqual((await offered("fish", "tetra tp add de")).map(firstWord), ["deny.yaml"]);
  const shells = (await offered("fish", "tetra completion ")).map(firstWord);
  assert.deepEqual(shells.slice(0, 4), ["bash", "fish", "powershell", "zsh"]);
});

test("each shell has its own script, which asks its own program", () => {
  const signs: Readonly<Record<CompletionShell, RegExp>> = {
    bash: /^complete .* -F _tetra_complete tetra$/m,
    zsh: /^#compdef tetra$/m,
    fish: /^complete -c tetra -f /m,
    powershell: /^Register-ArgumentCompleter -Native -CommandName tetra /m,
  };
  for (const [shell, sign] of Object.entries(signs)) {
    const script = completionScript(shell as CompletionShell, "tetra");
    assert.match(script, sign);
    assert.match(script, /tetra --get-yargs-completions/);
    assert.doesNotMatch(script, /guardbee/);
  }
});

function firstWord(line: string): string {
  return line.split("\t")[0]!;
}
