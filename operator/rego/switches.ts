import {
  type Clock,
  type KubeConnection,
  type KubeObject,
  Reflector,
  resources,
} from "@guardbee/kube";
import { formatProblem, type Problem } from "@guardbee/policy";
import type { Logger } from "pino";
import { builtinGuardRails } from "../judge/builtin-rail.ts";

/** The ConfigMap beside the operator: name of a built-in guard rail → `enabled` or `disabled`. */
export const guardRailsConfigMap = "guardbee-guard-rails";

export type SwitchesOptions = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Switched off by flag, whatever the ConfigMap says. */
  readonly disabled: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
};

type Read = { readonly off: readonly string[]; readonly problems: readonly Problem[] };

/**
 * Which built-in guard rails are off: those of the flag, and those of the ConfigMap, which is
 * followed while `run` lasts. Without a ConfigMap, and where it says nothing that makes sense, a
 * guard rail is on.
 */
export class GuardRailSwitches {
  readonly #reflector: Reflector<Read>;
  /** Of the flag and the ConfigMap, sorted. Written by #apply. */
  #disabled: readonly string[];
  readonly #options: SwitchesOptions;
  /** Of the run under way. Written by run. */
  #onChange: () => void = () => {};
  /** Resolves when it is known whether there is a ConfigMap, and what is in it. */
  readonly synced: Promise<void>;

  constructor(options: SwitchesOptions) {
    this.#options = options;
    const { connection, namespace, clock, disabled } = options;
    this.#disabled = [...disabled].sort();
    const log = options.log.child({ component: "guard-rails" });
    this.#reflector = new Reflector({
      ...{ connection, resource: resources.configMap, namespace, clock, log },
      // Which is also what lets RBAC limit the right to watch to this one.
      fieldSelector: `metadata.name=${guardRailsConfigMap}`,
      project: (object) => readSwitches((object as KubeObject & { data?: unknown }).data),
      onChange: (change) =>
        this.#apply(change.type === "set" ? change.value : { off: [], problems: [] }, log),
    });
    this.synced = this.#reflector.synced;
  }

  get disabled(): readonly string[] {
    return this.#disabled;
  }

  /** Follows the ConfigMap until `signal` aborts, and calls `onChange` when other guard rails are off than before. */
  run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    return this.#reflector.run(signal);
  }

  #apply({ off, problems }: Read, log: Logger): void {
    const { namespace, disabled } = this.#options;
    for (const one of problems) {
      const problem = `ConfigMap ${namespace}/${guardRailsConfigMap}: ${formatProblem(one)}`;
      log.warn({ problem }, "switch of guard rails cannot be used");
    }
    const next = [...new Set([...disabled, ...off])].sort();
    if (next.join() === this.#disabled.join()) return;
    log.info({ from: this.#disabled, to: next }, "switched-off guard rails changed");
    this.#disabled = next;
    this.#onChange();
  }
}

/** The guard rails that `data` of the ConfigMap switches off, and what in it means nothing. */
export function readSwitches(data: unknown): Read {
  const off: string[] = [];
  const problems: Problem[] = [];
  const wrong = (field: string, what: string, fix: string) =>
    problems.push({ field, what, fix, kind: "invalid" });
  for (const [name, value] of Object.entries((data ?? {}) as Readonly<Record<string, unknown>>)) {
    const field = `data[${name}]`;
    if (!builtinGuardRails.some((one) => one === name)) {
      wrong(field, "is no built-in guard rail", `there are ${builtinGuardRails.join(", ")}`);
    } else if (value === "disabled") off.push(name);
    else if (value !== "enabled") {
      const what = `is ${JSON.stringify(value)}, so the guard rail stays on`;
      wrong(field, what, "write enabled or disabled");
    }
  }
  return { off: off.sort(), problems };
}
