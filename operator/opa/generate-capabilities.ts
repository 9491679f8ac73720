// Writes rego/capabilities.json: what the present opa has, less what Guardbee refuses or lacks.
//   OPA=path/to/opa node operator/opa/generate-capabilities.ts [--check]
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { findOpa } from "./find-opa.ts";
import { refusedBuiltins } from "./refused-builtins.ts";

type Capabilities = {
  readonly builtins: readonly {
    readonly name: string;
    readonly deprecated?: boolean;
    readonly [more: string]: unknown;
  }[];
  readonly features: readonly string[];
  readonly future_keywords?: readonly string[];
};

const file = new URL("../../rego/capabilities.json", import.meta.url);
/** Language that the compiler to Wasm gets right. refused-builtins.ts has the rest. */
const features = ["keywords_in_refs", "rego_v1", "template_strings"];
const futureKeywords = ["and", "or"];

const opa = await findOpa();
const current = JSON.parse(
  execFileSync(opa, ["capabilities", "--current"], { encoding: "utf8", maxBuffer: 16 << 20 }),
) as Capabilities;
const kept = {
  builtins: current.builtins.filter(
    ({ name, deprecated = false }) => !deprecated && refusedBuiltins[name] === undefined,
  ),
  // opa without a Wasm runtime of its own names none; it still writes 1.2 and 1.3.
  wasm_abi_versions: [1, 2, 3].map((minor) => ({ version: 1, minor_version: minor })),
  future_keywords: futureKeywords.filter((word) => current.future_keywords?.includes(word)),
  features: features.filter((feature) => current.features.includes(feature)),
  allow_net: [],
};
const text = `${JSON.stringify(kept, null, 2)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  console.error("rego/capabilities.json is not what this opa gives; run make -C rego capabilities");
  process.exitCode = 1;
}
