import assert from "node:assert/strict";
import { describe, test } from "node:test";
import pino from "pino";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { WasmHost } from "./host.ts";

const signal = new AbortController().signal;
const said = (what: string) => new RegExp(`^RegoPolicy bomb: rego bomb/out: ${what}$`);

/** Each is a way to take memory or time; none may take the process with it. */
const bombs: readonly {
  readonly what: string;
  readonly out: string;
  readonly says: RegExp;
  readonly small?: true;
}[] = [
  {
    what: "a result larger than any policy",
    out: "input.many",
    says: said("gives \\d+ bytes of result, more than 8388608; make it give less"),
  },
  {
    what: "a string larger than any policy",
    out: 'strings.count(input.long, "y")',
    says: said("data.bomb.out: strings.count: has an operand of 9000002 bytes, more than 8388608"),
  },
  {
    what: "a builtin's result that is far larger than its operands",
    out: 'regex.replace(substring(input.long, 0, 9000), "x", substring(input.long, 0, 2000))',
    says: said("data.bomb.out: regex.replace: has a result of 18000000 bytes, more than 8388608"),
  },
  {
    what: "all addresses of IPv6",
    out: 'net.cidr_expand("::/0")',
    says: said(
      "data.bomb.out: net.cidr_expand: has 340282366920938463463374607431768211456 addresses, .*",
    ),
  },
  {
    what: "a range that never seems to end",
    out: "numbers.range_step(0, 1000000000000, 1)",
    says: said("data.bomb.out: numbers.range_step: makes 1000000000001 numbers, more than 1000000"),
  },
  {
    what: "a range that the module makes itself",
    out: "count(numbers.range(1, 1000000000))",
    small: true, // so that it takes little time to fill its memory
    says: said(
      "(data.bomb.out: needs more memory than it may have \\(opa_malloc: failed\\); .*|took over 10000 ms; make it do less)",
    ),
  },
  {
    what: "aliases of aliases in YAML",
    out: "yaml.unmarshal(input.laughs)",
    says: said("is undefined for this input"),
  },
];

/** Nested aliases: 2^40 nodes in a few lines. */
const laughs = Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
const input = {
  many: Array.from({ length: 9 }, () => "x".repeat(1_000_000)),
  long: "x".repeat(9_000_000),
  laughs: ["a0: &a0 [x, x]", ...laughs].join("\n"),
};

/** `small`: without input, in 32 MiB. */
async function evaluate(out: string, small = false): Promise<unknown> {
  const sources = [{ path: "bomb.rego", text: `package bomb\n\nout := ${out}` }];
  const options = { entryPoints: ["bomb/out"], opa: await findOpa(), signal };
  const compiled = await compileRego(sources, options);
  assert.deepEqual(compiled.ok ? [] : compiled.problems, []);
  assert.ok(compiled.ok);
  const log = pino({ level: "silent" });
  const pages = small ? { maximumPages: 512 } : {};
  const host = new WasmHost({ module: compiled.module, log, deadlineMs: 10_000, ...pages });
  try {
    return await host.evaluate(
      { entryPoint: "bomb/out", input: small ? null : input, subject: "RegoPolicy bomb" },
      signal,
    );
  } finally {
    await host.close();
  }
}

describe("a bomb ends its evaluation, not the process", () => {
  for (const { what, out, says, small } of bombs) {
    test(what, () =>
      assert.rejects(evaluate(out, small), { name: "EvaluationError", message: says }),
    );
  }

  test("a width of a billion is no width", async () => {
    assert.equal(await evaluate('sprintf("%1000000000d", [1])'), "%!(NOVERB)%!(EXTRA int64=1)");
  });

  test("a pattern that others backtrack on takes no longer than its text", async () => {
    const out = 'regex.find_n("(x+)+y", substring(input.long, 0, 20000), -1)';
    assert.deepEqual(await evaluate(out), []);
  });
});
