/** The compiled `rego/translate.rego` of this checkout. */
export const translateModule = new URL("../../rego/build/translate.wasm", import.meta.url);
/** The compiled `rego/guardrails` of this checkout. */
export const guardRailsModule = new URL("../../rego/build/guardrails.wasm", import.meta.url);
