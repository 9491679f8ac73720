import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { namespacedFunctions, parametersOf } from "./namespaced-functions.ts";

type BtfType = {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id?: number;
  readonly params?: readonly { readonly type_id: number }[];
};

const { types } = JSON.parse(
  execFileSync("bpftool", ["-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  }),
) as { readonly types: readonly BtfType[] };
const byId = new Map(types.map((type) => [type.id, type]));

/** A type as C has it, without const, and with an enum or a typedef as what it is. */
function inC(id: number): string {
  const { kind, name, type_id = 0 } = byId.get(id) ?? { kind: "VOID", name: "void" };
  if (kind === "PTR") return `${inC(type_id)} *`;
  if (kind === "CONST" || kind === "TYPEDEF") return inC(type_id);
  if (kind === "ENUM") return "int";
  if (kind === "STRUCT") return `struct ${name}`;
  return name === "long unsigned int" ? "unsigned long" : name;
}

test("this kernel's functions have the parameters that tenants may read", () => {
  const wrong: string[] = [];
  let compared = 0;
  for (const { kind, name, type_id = 0 } of types) {
    if (kind !== "FUNC" || !namespacedFunctions.includes(name)) continue;
    const actual = byId.get(type_id)!.params!.map((parameter) => inC(parameter.type_id));
    for (const [i, parameter] of parametersOf(name)!.entries()) {
      if (parameter === undefined) continue;
      compared++;
      if (actual[i] !== parameter) wrong.push(`${name} ${i}: ${actual[i]}, not ${parameter}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(compared > 20, `${compared} parameters compared`);
});
