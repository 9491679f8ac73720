import type { WasmHost } from "../opa/host.ts";
import type { Rail } from "./guard-rails.ts";

/** Names of the built-in guard rails, as they are switched off. */
export const builtinGuardRails = [
  ...(["cluster-wide", "host-protection", "namespace-rights", "system-namespaces"] as const),
] as const;

const entryPoint = "guardbee/guardrails/decisions";

/** `rego/guardrails`: all of it in one evaluation. */
export function builtinRail(host: WasmHost): Rail {
  return {
    name: "builtin",
    decide: async (input, signal) => {
      const { kind, metadata } = input.policy as { kind: string; metadata: { name: string } };
      const subject = `${kind} ${metadata.name}`;
      const decisions = await host.evaluate({ entryPoint, input, subject }, signal);
      if (typeof decisions === "object" && decisions !== null && !Array.isArray(decisions)) {
        return decisions as Readonly<Record<string, unknown>>;
      }
      throw new Error(`${subject}: rego ${entryPoint}: answers nonsense: no object`);
    },
  };
}
