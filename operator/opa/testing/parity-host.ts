import assert from "node:assert/strict";
import pino from "pino";
import { compileRego } from "../compile.ts";
import { Evaluator } from "../evaluator.ts";
import { EvaluationError, WasmHost } from "../host.ts";
import { moduleProblems } from "../inspect.ts";
import { shapeProblems } from "../module-shape.ts";
import type { ParityModule } from "./parity.ts";

const signal = new AbortController().signal;

/** A host of the modules, compiled as a RegoPolicy's are, and usable as a bundle's have to be. */
export async function aParityHost(
  opa: string,
  modules: readonly ParityModule[],
  entryPoints: readonly string[],
  data: unknown = {},
): Promise<WasmHost> {
  const compiled = await compileRego(modules, { entryPoints, opa, signal });
  assert.deepEqual(compiled.ok ? [] : compiled.problems, []);
  assert.ok(compiled.ok);
  const limits = { initialPages: 16, maximumPages: 256, maximumResultBytes: 0 };
  assert.deepEqual(shapeProblems(compiled.module), []);
  const facts = new Evaluator(compiled.module, limits).facts();
  assert.deepEqual(moduleProblems(facts, entryPoints), []);
  return new WasmHost({ module: compiled.module, data, log: pino({ level: "silent" }) });
}

/** Undefined where the entry point is, as under `opa eval`; a message where it fails. */
export async function resultOf(
  host: WasmHost,
  entryPoint: string,
  input: unknown,
): Promise<unknown> {
  try {
    return await host.evaluate({ entryPoint, input, subject: "parity" }, signal);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return error.isUndefined ? undefined : error.message;
  }
}
