import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import { WasmHost } from "../opa/host.ts";
import { createTranslate, type Translate } from "../policy/translate.ts";
import { builtinRail } from "./builtin-rail.ts";
import type { Rail } from "./guard-rails.ts";

/** What our own Rego decides about every policy. */
export type BuiltinRego = {
  readonly translate: Translate;
  readonly rail: Rail;
  readonly close: () => Promise<void>;
};

export type BuiltinRegoOptions = {
  /** `rego/translate.rego`, compiled. */
  readonly translate: Uint8Array<ArrayBuffer>;
  /** `rego/guardrails`, compiled. */
  readonly guardRails: Uint8Array<ArrayBuffer>;
  readonly ownNamespace: string;
  /** For one evaluation; default 2 s. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * In two workers of its own, which start when they are asked for the first time. Evaluations wait in
 * line for a worker, so each part of the operator that must not wait for another opens its own.
 */
export function openBuiltinRego(options: BuiltinRegoOptions): BuiltinRego {
  const { ownNamespace, deadlineMs = 2_000, clock } = options;
  const hostOf = (module: Uint8Array<ArrayBuffer>, component: string) =>
    new WasmHost({ module, deadlineMs, clock, log: options.log.child({ component }) });
  const translating = hostOf(options.translate, "rego");
  const guarding = hostOf(options.guardRails, "guard-rails");
  return {
    translate: createTranslate(translating, { ownNamespace }),
    rail: builtinRail(guarding),
    async close() {
      await Promise.all([translating.close(), guarding.close()]);
    },
  };
}
