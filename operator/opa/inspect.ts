import { createHash } from "node:crypto";
import type { Problem } from "@guardbee/policy";
import { builtins as supplied } from "./builtins/index.ts";
import { EvaluationError } from "./host.ts";
import type { ModuleFacts } from "./messages.ts";
import { shapeProblems } from "./module-shape.ts";
import { reasonAgainst } from "./refused-builtins.ts";
import type { Sandbox } from "./sandbox.ts";

export type { ModuleFacts };

/** What is known of a module: what it says of itself, or why it is none. */
type Found =
  | { readonly ok: true; readonly facts: ModuleFacts }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Modules that are remembered; a module is its digest. */
const mostRemembered = 256;
/** So often a module may end its process before it is refused: the kernel may have ended it for another. */
const mostCrashes = 3;

/**
 * Checks modules that came compiled: their shape first, then what they say of themselves, for which
 * they have to run. Each is tried once, refused or not.
 */
export class ModuleChecks {
  readonly #sandbox: Sandbox;
  /** By digest of the module, the last used at the end. Written by #find. */
  readonly #found = new Map<string, Found>();
  /** By digest. Written by #inspect. */
  readonly #crashes = new Map<string, number>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /**
   * Why a module cannot be used for `entryPoints`; empty when it can. Throws when that cannot be told
   * now: the machine is too busy, or the process ended.
   */
  async problems(
    module: Uint8Array<ArrayBuffer>,
    entryPoints: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly Problem[]> {
    const found = await this.#find(module, signal);
    return found.ok ? moduleProblems(found.facts, entryPoints) : found.problems;
  }

  async #find(module: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Found> {
    const digest = createHash("sha256").update(module).digest("hex");
    const known = this.#found.get(digest);
    this.#found.delete(digest);
    const shape = known === undefined ? shapeProblems(module) : [];
    const found =
      known ??
      (shape.length > 0
        ? { ok: false as const, problems: shape }
        : await this.#inspect(module, digest, signal));
    this.#found.set(digest, found);
    const [oldest] = this.#found.size > mostRemembered ? this.#found.keys() : [];
    if (oldest !== undefined) this.#found.delete(oldest);
    return found;
  }

  async #inspect(
    module: Uint8Array<ArrayBuffer>,
    digest: string,
    signal: AbortSignal,
  ): Promise<Found> {
    const unit = { module, deadlineMs: 1_000, memoryMiB: 16 };
    try {
      const facts = await this.#sandbox.inspect(unit, "policy.wasm", signal);
      return namesTooMuch(facts) ? { ok: false, problems: [tooManyNames] } : { ok: true, facts };
    } catch (error) {
      if (!(error instanceof EvaluationError) || error.reason === "starved") throw error;
      const crashes = (this.#crashes.get(digest) ?? 0) + (error.reason === "crashed" ? 1 : 0);
      if (error.reason === "crashed" && crashes < mostCrashes) {
        this.#crashes.set(digest, crashes);
        throw error;
      }
      this.#crashes.delete(digest);
      const fix = "build it with opa build -t wasm";
      return { ok: false, problems: [problem(error.what, fix)] };
    }
  }
}

/** In characters of all names together: they are remembered as long as the module. */
const mostOfNames = 64 * 1024;

function namesTooMuch({ entryPoints, builtins }: ModuleFacts): boolean {
  return [...entryPoints, ...builtins].join(" ").length > mostOfNames;
}

/** Why a module cannot be used for `entryPoints`; empty when it can. */
export function moduleProblems(
  facts: ModuleFacts,
  entryPoints: readonly string[],
): readonly Problem[] {
  const lacking = entryPoints
    .filter((name) => !facts.entryPoints.includes(name))
    .map((name) => {
      const has = facts.entryPoints.slice(0, 10).join(", ").slice(0, 1_000);
      return problem(`has no entry point ${name}, but ${has}`, `build it with -e ${name}`);
    });
  const unknown = facts.builtins
    .filter((name) => !Object.hasOwn(supplied, name))
    .slice(0, 20)
    .map((name) => problem(`calls ${name}, which is not supplied`, reasonAgainst(name)));
  return [...lacking, ...unknown];
}

function problem(what: string, fix: string): Problem {
  return { field: "policy.wasm", what, fix, kind: "invalid" };
}

const tooManyNames = problem(
  `names entry points and builtins in more than ${mostOfNames} characters`,
  "build it with fewer entry points",
);
