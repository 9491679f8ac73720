import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArgoCd } from "./argocd-controller.ts";
import { parseManifests, root } from "./lab-programs.ts";

const name = "guardbee-policies";

export const seeds = {
  tracing: { name: "deny-tmp-forbidden-write", file: "deny-tmp-forbidden-write.yaml" },
  exec: { name: "exec-policy-example", file: "exec-policy-example.yaml" },
} as const;

type Documented = {
  readonly spec: {
    readonly source: object;
    readonly syncPolicy: { readonly syncOptions: readonly string[] };
  };
};

/** A git repository with both seed policies, and the Application of docs/how-to/argo-cd.md for it. */
export class PolicyApplication {
  readonly #argo: ArgoCd;
  readonly #repository = mkdtempSync(join(tmpdir(), "guardbee-git-"));

  constructor(argo: ArgoCd) {
    this.#argo = argo;
    for (const { file } of Object.values(seeds)) {
      cpSync(join(root, "config/examples", file), join(this.#repository, file));
    }
    this.#git("init", "--quiet", "--initial-branch=main");
    this.#commit("both seed policies");
  }

  /** `syncOptions`: beside the documented ones. */
  create({ syncOptions = [] }: { readonly syncOptions?: readonly string[] } = {}): void {
    const page = readFileSync(join(root, "docs/how-to/argo-cd.md"), "utf8");
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
    const app = parseManifests(blocks[1]!)[0]! as unknown as Documented;
    const source = { ...app.spec.source, repoURL: `file://${this.#repository}`, path: "." };
    const { syncPolicy } = app.spec;
    const all = [...syncPolicy.syncOptions, ...syncOptions];
    const spec = { ...app.spec, source, syncPolicy: { ...syncPolicy, syncOptions: all } };
    this.#argo.apply({ ...app, spec });
  }

  read(file: string): string {
    return readFileSync(join(this.#repository, file), "utf8");
  }

  /** Commits a file with this content, or without it, and lets Argo CD look. */
  async change(file: string, content: string | undefined): Promise<void> {
    const path = join(this.#repository, file);
    if (content === undefined) rmSync(path);
    else writeFileSync(path, content);
    this.#commit(`change ${file}`);
    await this.refresh();
  }

  async refresh(kind: "normal" | "hard" = "normal"): Promise<void> {
    await this.#argo.application(name, kind);
  }

  /**
   * `app`: `SYNC HEALTH` of the whole at the newest commit; `NAME`: `HEALTH MESSAGE` of a policy;
   * `conditions`: what Argo CD says went wrong.
   */
  async becomes(wanted: Readonly<Record<string, string | RegExp>>): Promise<void> {
    let seen: Record<string, string> = {};
    const matches = async () => {
      const { status = {} } = await this.#argo.application(name);
      const { sync, health, resources = [] } = status;
      const at = sync?.revision === this.#git("rev-parse", "HEAD") ? "" : ` at ${sync?.revision}`;
      const each = resources.map((one) => [
        one.name,
        `${one.health?.status} ${one.health?.message}`,
      ]);
      const conditions = status.conditions?.map(({ message }) => message).join("\n") ?? "";
      const app = `${sync?.status} ${health?.status}${at}`;
      seen = { app, conditions, ...Object.fromEntries(each) };
      return Object.entries(wanted).every(([key, want]) =>
        typeof want === "string" ? seen[key] === want : want.test(seen[key] ?? ""),
      );
    };
    await this.#argo.eventually("the Application", matches, () =>
      JSON.stringify({ seen, wanted }, null, 2),
    );
  }

  remove(): void {
    rmSync(this.#repository, { recursive: true });
  }

  #git(...args: readonly string[]): string {
    return git(this.#repository, ...args);
  }

  #commit(subject: string): void {
    this.#git("add", "--all");
    this.#git("commit", "--quiet", "--message", subject);
  }
}

/** Runs git in a repository, as somebody; what it printed. */
export function git(repository: string, ...args: readonly string[]): string {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  const options = { cwd: repository, encoding: "utf8" } as const;
  return execFileSync("git", [...identity, ...args], options).trim();
}
