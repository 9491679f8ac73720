import assert from "node:assert/strict";
import { describe, test } from "node:test";
import pino from "pino";
import { needOpa } from "../bundle/testing/opa.ts";
import { type CompileOptions, compileRego, type RegoProblem } from "./compile.ts";
import { WasmHost } from "./host.ts";

const log = pino({ level: "silent" });
const signal = new AbortController().signal;

const opa = needOpa();

describe("compileRego", () => {
  const compile = (text: string, over: Partial<CompileOptions> = {}) =>
    compileRego([{ path: "team/edge.rego", text }], {
      entryPoints: ["edge/out"],
      opa,
      signal,
      ...over,
    });

  test("gives a module that the host evaluates, and the version of opa", async () => {
    const compiled = await compile("package edge\n\nout := {input.x, 1}");
    assert.ok(compiled.ok);
    assert.match(compiled.opaVersion, /^1\.\d+\.\d+$/);
    const host = new WasmHost({ module: compiled.module, log });
    const evaluation = { entryPoint: "edge/out", input: { x: 2 }, subject: "RegoPolicy edge" };
    try {
      assert.deepEqual(await host.evaluate(evaluation, signal), [1, 2]);
    } finally {
      await host.close();
    }
  });

  test("has our library for Rego that asks for it", async () => {
    const text = `package edge

import data.guardbee.lib.problem

out := problem.at("spec.x", "is 1", "write 2")`;
    const compiled = await compile(text);
    assert.ok(compiled.ok, JSON.stringify(compiled));
    const own = "package guardbee.lib.problem\n\nat(field, _, _) := field";
    const sources = [text, own].map((one, at) => ({ path: `${at}.rego`, text: one }));
    const replaced = await compileRego(sources, { entryPoints: ["edge/out"], opa, signal });
    assert.ok(replaced.ok, JSON.stringify(replaced));
    const values: unknown[] = [];
    for (const { module } of [compiled, replaced]) {
      const host = new WasmHost({ module, log });
      const evaluation = { entryPoint: "edge/out", input: {}, subject: "RegoPolicy edge" };
      values.push(await host.evaluate(evaluation, signal));
      await host.close();
    }
    assert.deepEqual(values, [{ field: "spec.x", what: "is 1", fix: "write 2" }, "spec.x"]);
  });

  for (const { what, text, problem } of [
    {
      what: "Rego that does not parse, with file and row",
      text: "package edge\n\nout := {",
      problem: { row: 3, column: 8, code: "rego_parse_error", message: "unexpected eof token" },
    },
    {
      what: "Rego that does not compile, with row and column",
      text: "package edge\n\nout := x + 1",
      problem: { row: 3, column: 8, code: "rego_unsafe_var_error", message: "var x is unsafe" },
    },
    {
      what: "the clock",
      text: "package edge\n\nout := 1 + time.now_ns()",
      problem: {
        row: 3,
        column: 12,
        code: "builtin_refused",
        message:
          "time.now_ns is refused: the result would change with the clock; take the time from input",
      },
    },
    {
      what: "the network",
      text: 'package edge\n\nout := http.send({"url": "x"})',
      problem: {
        row: 3,
        column: 8,
        code: "builtin_refused",
        message:
          "http.send is refused: the result would depend on the network; put facts into data",
      },
    },
    {
      what: "randomness",
      text: 'package edge\n\nout := rand.intn("x", 3)',
      problem: {
        row: 3,
        column: 8,
        code: "builtin_refused",
        message: "rand.intn is refused: the result would differ each time; derive names from input",
      },
    },
    {
      what: "rego.v2, whose not the compiler gets wrong",
      text: "package edge\n\nimport rego.v2\n\nout := 1",
      problem: {
        row: 3,
        column: 8,
        code: "import_refused",
        message:
          "rego.v2 is refused: its not gives something else in a compiled module than under opa eval; import future.keywords.and and future.keywords.or, and give what not negates a rule of its own",
      },
    },
    {
      what: "the newer not alone",
      text: "package edge\n\nimport future.keywords.not\n\nout := 1",
      problem: {
        row: 3,
        column: 8,
        code: "import_refused",
        message:
          "future.keywords.not is refused: it gives something else in a compiled module than under opa eval; give what not negates a rule of its own",
      },
    },
    {
      what: "a call of a function that there is not",
      text: "package edge\n\nout := none.such(1)",
      problem: {
        row: 3,
        column: 8,
        code: "rego_type_error",
        message: "undefined function none.such",
      },
    },
  ]) {
    test(`refuses ${what}`, async () => {
      const compiled = await compile(text);
      assert.ok(!compiled.ok);
      assert.deepEqual(compiled.problems[0], { file: "team/edge.rego", ...problem });
    });
  }

  for (const { what, data } of [
    { what: "what is data too", data: { edge: { out: 1 } } },
    { what: "what data has below it", data: { edge: { out: { x: 1 } } } },
    { what: "what is below data", data: { edge: 1 } },
  ]) {
    test(`a rule for ${what} is a problem, with its place`, async () => {
      const compiled = await compile("package edge\n\nout := 1", { data });
      assert.ok(!compiled.ok);
      const [{ file, row, message }] = compiled.problems as [RegoProblem];
      assert.deepEqual([file, row], ["team/edge.rego", message.includes("package") ? 1 : 3]);
      assert.match(message, /conflict/);
    });
  }

  test("data beside the rules is none", async () => {
    const compiled = await compile("package edge\n\nout := data.edge.x", {
      data: { edge: { x: 1 } },
    });
    assert.ok(compiled.ok);
  });

  test("an error at run time names the author's module and row, the same each time", async () => {
    const rules = (value: string) => `package edge\n\nout := ${value} if input`;
    for (const [first, second, told] of [
      [
        "first.rego",
        "team/second.rego",
        /^RegoPolicy edge: rego edge\/out: (first|team\/second)\.rego:3:1: rules of one name give different values \(var assignment conflict\); let one of them hold at a time$/,
      ],
      [
        "../a b.rego",
        "../a b",
        /^RegoPolicy edge: rego edge\/out: %2E%2E\/a%20b\.rego:3:1: |module-1.rego:3:1: /,
      ],
    ] as const) {
      const said: string[] = [];
      for (const _ of [1, 2]) {
        const sources = [
          { path: first, text: rules("1") },
          { path: second, text: rules("2") },
        ];
        const compiled = await compileRego(sources, { entryPoints: ["edge/out"], opa, signal });
        assert.ok(compiled.ok);
        const host = new WasmHost({ module: compiled.module, log });
        const evaluation = { entryPoint: "edge/out", input: {}, subject: "RegoPolicy edge" };
        await host.evaluate(evaluation, signal).catch((error: Error) => said.push(error.message));
        await host.close();
      }
      assert.match(said[0]!, told);
      assert.equal(said[1], said[0]);
    }
  });

  test("lists every problem, each under the author's name of the file", async () => {
    const sources = [
      { path: "a.rego", text: "package a\n\nx := opa.runtime()" },
      { path: "../b.rego", text: 'package b\n\ny := uuid.rfc4122("k")' },
    ];
    const compiled = await compileRego(sources, { entryPoints: ["a/x"], opa, signal });
    assert.ok(!compiled.ok);
    assert.deepEqual(
      compiled.problems.map(({ file, row, column, code }) => ({ file, row, column, code })),
      [
        { file: "a.rego", row: 3, column: 6, code: "builtin_refused" },
        { file: "../b.rego", row: 3, column: 6, code: "builtin_refused" },
      ],
    );
  });

  test("an entry point that no rule defines is a problem without a place", async () => {
    const compiled = await compile("package edge\n\nother := 1");
    assert.deepEqual(compiled, {
      ok: false,
      problems: [
        {
          file: "",
          row: 0,
          column: 0,
          code: "rego_error",
          message: 'entrypoint "edge/out" does not refer to a rule or policy decision',
        },
      ],
    });
  });

  test("an opa that overruns is ended, and says so", async () => {
    await assert.rejects(compile("package edge\n\nout := 1", { deadlineMs: 1 }), {
      message: "opa check: took over 1 ms; make the policy smaller",
    });
  });

  test("an opa that is none is an error", async () => {
    await assert.rejects(compile("package edge\n\nout := 1", { opa: "/none/opa" }), {
      message: "opa check: spawn /none/opa ENOENT",
    });
  });
});
