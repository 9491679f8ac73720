import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export type ParityModule = { readonly path: string; readonly text: string };

/** The value of one query under `opa eval`, of modules and documents under `data`. */
export async function evalWithOpa(
  opa: string,
  modules: readonly ParityModule[],
  query: string,
  data: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "guardbee-parity-"));
  try {
    const files: string[] = [];
    for (const [i, { text }] of modules.entries()) {
      files.push(join(folder, `${i}.rego`));
      await writeFile(files.at(-1)!, text);
    }
    files.push(join(folder, "data.json"));
    await writeFile(files.at(-1)!, JSON.stringify(data));
    const args = ["eval", "--format", "json", ...files.flatMap((file) => ["-d", file]), query];
    const env = { TZ: "UTC" };
    const { stdout } = await run(opa, args, { env, maxBuffer: 64 << 20 });
    const { result } = JSON.parse(stdout) as {
      readonly result?: readonly [{ readonly expressions: readonly [{ readonly value: unknown }] }];
    };
    return result?.[0].expressions[0].value;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const run = promisify(execFile);

/** What each policy is under `opa eval` for each input, by number; without it where it is undefined. */
export async function evalEach(
  opa: string,
  modules: readonly ParityModule[],
  entryPoints: readonly string[],
  inputs: readonly unknown[],
  data: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> {
  const each = entryPoints.map((entryPoint) => {
    const rule = `data.${entryPoint.replaceAll("/", ".")}`;
    const values = `{sprintf("%d", [i]): v | some i, x in data.inputs; v := ${rule} with input as x}`;
    return `${JSON.stringify(entryPoint)}: ${values}`;
  });
  const query = `{${each.join(", ")}}`;
  return (await evalWithOpa(opa, modules, query, { ...data, inputs })) as Awaited<
    ReturnType<typeof evalEach>
  >;
}

/** A line of builtins.txt: a builtin and its operands, a Rego array. */
export type Call = { readonly line: string; readonly builtin: string; readonly operands: string };

export function parseCalls(text: string): readonly Call[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const space = line.indexOf(" ");
      return { line, builtin: line.slice(0, space), operands: line.slice(space + 1) };
    });
}

/**
 * Rego whose `out` is, for the call whose number is in the input, the value's type and its JSON, as
 * JavaScript would lose digits of a number. The compiler cannot know the operands' types, as it
 * would refuse the wrong ones.
 */
export function moduleOfCalls(
  calls: readonly Call[],
  arities: ReadonlyMap<string, number>,
): string {
  const rules = calls.map(({ builtin, operands }, i) => {
    const length = arities.get(builtin) ?? 0;
    const given = Array.from({ length }, (_, k) => `xs[${k}]`).join(", ");
    return `out := {"type": type_name(v), "value": json.marshal(v)} if {
	input.call == ${i}
	xs := object.get(input, "none", ${operands})
	v := ${builtin}(${given})
}`;
  });
  return `package parity.builtins\n\n${rules.join("\n\n")}\n`;
}

/** The result of a call with what means the same in JSON written in one way. */
export function canonicalResult(result: unknown): unknown {
  if (typeof result !== "object" || result === null) return result; // undefined, or an error's text
  const { type, value } = result as { readonly type: string; readonly value: string };
  // Go writes a byte that is part of no character as an escape, the module as the character.
  return { type, value: value.replaceAll("\\ufffd", "\ufffd") };
}
