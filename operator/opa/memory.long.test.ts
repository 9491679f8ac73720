import assert from "node:assert/strict";
import { describe, test } from "node:test";
import pino from "pino";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { WasmHost } from "./host.ts";

const signal = new AbortController().signal;
const entryPoint = "flat/out";
const subject = "RegoPolicy flat";

/** Uses what could pile up: builtins of the host, compiled patterns, sets, text of changing length. */
const text = `package flat

out contains sprintf("%s/%v: %s", [w.name, i, regex.replace(w.text, w.pattern, "<$0>")]) if some i, w in input.workloads

out contains {"digest": crypto.sha256(w.text), "own": data.own[w.name]} if some w in input.workloads
`;

async function aHost(
  more: { readonly data?: unknown; readonly deadlineMs?: number } = {},
): Promise<WasmHost> {
  const sources = [{ path: "flat.rego", text }];
  const options = { entryPoints: [entryPoint], opa: await findOpa(), signal };
  const compiled = await compileRego(sources, options);
  assert.ok(compiled.ok);
  return new WasmHost({ module: compiled.module, log: pino({ level: "silent" }), ...more });
}

/** Never the same twice, nor of one size. */
function inputOf(round: number, workloads = 1 + (round % 23)): unknown {
  return {
    workloads: Array.from({ length: workloads }, (_, i) => ({
      name: `w${round}-${i}`,
      pattern: `${round % 311}[a-f]+`,
      text: `${round} `.repeat(1 + ((round * 7 + i) % 60)),
    })),
  };
}

const mib = 2 ** 20;

describe("memory of the worker", () => {
  test("is flat over 10,000 evaluations of changing inputs", async () => {
    const host = await aHost({ data: { own: { "w1-0": "x" } } });
    const measure = async (from: number, to: number) => {
      for (let round = from; round < to; round++) {
        await host.evaluate({ entryPoint, input: inputOf(round), subject }, signal);
      }
      return { ...(await host.memory()), processBytes: process.memoryUsage().rss };
    };
    try {
      const warm = await measure(0, 5_000);
      const after = await measure(5_000, 15_000);
      const grown = (part: keyof typeof warm) => (after[part] - warm[part]) / mib;
      assert.equal(grown("moduleBytes"), 0);
      // 2 KiB kept of each evaluation would be 20 MiB.
      assert.ok(grown("heapBytes") < 16, `heap: ${grown("heapBytes")} MiB`);
      assert.ok(grown("externalBytes") < 16, `external: ${grown("externalBytes")} MiB`);
      // This thread's young generation is V8's to size; an instance kept each time would be GiB.
      assert.ok(grown("processBytes") < 160, `process: ${grown("processBytes")} MiB`);
    } finally {
      await host.close();
    }
  });

  test("is given back after an evaluation that needed much, and data is there again", async () => {
    const host = await aHost({ data: { own: { "w1-0": "x" } }, deadlineMs: 60_000 });
    const small = { entryPoint, input: inputOf(1, 1), subject };
    const moduleBytes = async () => (await host.memory()).moduleBytes;
    try {
      const result = await host.evaluate(small, signal);
      const before = await moduleBytes();
      await host.evaluate({ ...small, input: inputOf(2, 12_000) }, signal);
      const between = await moduleBytes();
      assert.ok(between > before + 64 * mib, `${between / mib} MiB`);
      assert.deepEqual(await host.evaluate(small, signal), result);
      assert.equal(await moduleBytes(), before);
    } finally {
      await host.close();
    }
  });
});
