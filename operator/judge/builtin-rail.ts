import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import { WasmHost } from "../opa/host.ts";
import type { Rail } from "./guard-rails.ts";

/**
 * Names of the built-in guard rails that can be switched off. `translation`, which decides what
 * Guardbee takes at all, is none of them.
 */
export const builtinGuardRails = [
  ...(["cluster-wide", "host-protection", "namespace-rights", "system-namespaces"] as const),
] as const;

/** The compiled `rego/guardrails` of this checkout. */
export const guardRailsModule = new URL("../../rego/build/guardrails.wasm", import.meta.url);

const entryPoint = "guardbee/guardrails/decisions";

export type BuiltinRail = Rail & { readonly close: () => Promise<void> };

export type BuiltinRailOptions = {
  /** `rego/guardrails`, compiled. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** For one evaluation; default 2 s. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  readonly log: Logger;
};

/**
 * All built-in guard rails in one evaluation, in a worker of its own, which starts when it is asked for
 * the first time. Evaluations wait in line for it, so each part of the operator that must not wait
 * for another opens its own.
 */
export function openBuiltinRail(options: BuiltinRailOptions): BuiltinRail {
  const host = new WasmHost(options);
  return {
    name: "builtin",
    decide: async (input, signal) => {
      const { kind, metadata } = input.policy;
      const { name, namespace } = metadata;
      const subject = `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
      const decisions = await host.evaluate({ entryPoint, input, subject }, signal);
      if (typeof decisions === "object" && decisions !== null && !Array.isArray(decisions)) {
        return decisions as Readonly<Record<string, unknown>>;
      }
      throw new Error(`${subject}: rego ${entryPoint}: gives an invalid result: no object`);
    },
    close: () => host.close(),
  };
}
