import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { findOpa } from "./find-opa.ts";
import type { WasmHost } from "./host.ts";
import { aParityHost, resultOf } from "./testing/parity-host.ts";

const text = `package team["a b"].edge

_numbers(x) := numbers.range_step(0, x, 1)

out := count(_numbers(input.n))

walked := count([1 | walk(json.unmarshal(input.text), [_, _])])
`;

describe("what ends an evaluation names the rule that it was in", () => {
  let host: WasmHost;
  before(async () => {
    const entryPoints = ["out", "walked"].map((name) => `team/a b/edge/${name}`);
    host = await aParityHost(await findOpa(), [{ path: "a.rego", text }], entryPoints);
  });
  after(() => host.close());

  const ask = (name: string, input: unknown) => resultOf(host, `team/a b/edge/${name}`, input);

  test("a limit of a builtin, in the function that calls it", async () => {
    assert.equal(await ask("out", { n: 9 }), 10);
    assert.equal(
      await ask("out", { n: 1_000_000_000 }),
      'parity: rego team/a b/edge/out: data.team["a b"].edge._numbers: numbers.range_step: makes 1000000001 numbers, more than 1000000',
    );
  });

  test("a value that nests too deep for the stack", async () => {
    const nested = (depth: number) => ({ text: "[".repeat(depth) + "]".repeat(depth) });
    assert.equal(await ask("walked", nested(100)), 100);
    assert.equal(
      await ask("walked", nested(20_000)),
      'parity: rego team/a b/edge/walked: data.team["a b"].edge.walked: json.unmarshal: nests deeper than the stack has room for; give it flatter values',
    );
    assert.equal(await ask("walked", nested(100)), 100, "the next evaluation works");
  });
});
