import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { shapeProblems } from "./module-shape.ts";
import {
  body,
  encodeModule,
  functionType,
  list,
  section,
  text,
  u32,
} from "./testing/encode-wasm.ts";
import { opaLike } from "./testing/opa-like.ts";
import { readModule } from "./wasm-module.ts";

const signal = new AbortController().signal;
const builtin = new URL("../../rego/build/guardrails.wasm", import.meta.url);
const memoryImport = [...text("env"), ...text("memory"), 2, 0, 2];

const hostile: readonly {
  readonly name: string;
  readonly module: Uint8Array;
  readonly what: string;
}[] = [
  {
    name: "with a memory of its own",
    module: opaLike({ memory: section(5, list([[0, 1]])) }),
    what: "has a memory of its own, and is to use the host's",
  },
  {
    name: "with a memory of its own and none of ours",
    module: opaLike({ imports: [], memory: section(5, list([[0, 1]])) }),
    what: "has a memory of its own, and is to use the host's; does not import the host's memory",
  },
  {
    name: "with an array type of WasmGC",
    module: encodeModule(section(1, list([[0x5e, 0x7e, 1]]))),
    what: "has a type that is no function type",
  },
  {
    name: "with a struct type of WasmGC",
    module: encodeModule(section(1, list([[0x5f, 1, 0x7f, 1]]))),
    what: "has a type that is no function type",
  },
  {
    name: "with a recursive group of types",
    module: encodeModule(section(1, list([[0x4e, ...list([functionType(0, 0)])]]))),
    what: "has a type that is no function type",
  },
  {
    name: "with a parameter that is a reference",
    module: encodeModule(section(1, list([[0x60, 1, 0x6f, 0]]))),
    what: "has a value type 0x6f",
  },
  {
    name: "with a tag",
    module: encodeModule(section(13, list([[0, 0]]))),
    what: "has a section 13 (tag)",
  },
  {
    name: "with a section that there is not",
    module: encodeModule(section(14, [0])),
    what: "has a section 14 (unknown)",
  },
  {
    name: "with a section twice",
    module: encodeModule(section(3, list([])), section(3, list([]))),
    what: "has section 3 out of order",
  },
  {
    name: "with thousands of custom sections",
    module: opaLike({ last: Array.from({ length: 64 }, () => section(0, text("x"))).flat() }),
    what: "has more than 64 custom sections",
  },
  {
    name: "with types of thousands of parameters",
    module: encodeModule(section(1, list([[0x60, ...u32(1_001), ...Array(1_001).fill(0x7f), 0]]))),
    what: "has a list of 1001, more than 1000",
  },
  {
    name: "with a huge table",
    module: opaLike({ table: section(4, list([[0x70, 1, ...u32(9_999_999), ...u32(9_999_999)]])) }),
    what: "has a table of up to 9999999 functions, more than 100000",
  },
  {
    name: "with a table that may grow",
    module: opaLike({ table: section(4, list([[0x70, 0, 1]])) }),
    what: "has a table of up to Infinity functions, more than 100000",
  },
  {
    name: "with two tables",
    module: opaLike({
      table: section(
        4,
        list([
          [0x70, 1, 1, 1],
          [0x70, 1, 1, 1],
        ]),
      ),
    }),
    what: "has 2 tables, more than 1",
  },
  {
    name: "with a table of external references",
    module: opaLike({ table: section(4, list([[0x6f, 1, 1, 1]])) }),
    what: "has a table of other than functions",
  },
  {
    name: "with a shared memory",
    module: opaLike({
      imports: section(2, list([[...text("env"), ...text("memory"), 2, 3, 2, 9]])),
    }),
    what: "has a memory with flags 3, shared or of 64 bits",
  },
  {
    name: "that asks for 4 GiB at its start",
    module: opaLike({
      imports: section(2, list([[...text("env"), ...text("memory"), 2, 0, ...u32(65_536)]])),
    }),
    what: "asks for 65536 pages of memory at its start, more than 256",
  },
  {
    name: "that imports a function that is not OPA's",
    module: opaLike({
      imports: section(2, list([memoryImport, [...text("wasi"), ...text("fd_write"), 0, 1]])),
    }),
    what: 'imports the function "wasi.fd_write"',
  },
  {
    name: "that imports a name of every object",
    module: opaLike({
      imports: section(2, list([memoryImport, [...text("env"), ...text("constructor"), 0, 1]])),
    }),
    what: 'imports the function "env.constructor"',
  },
  {
    name: "that imports a builtin with another type",
    module: opaLike({
      imports: section(2, list([memoryImport, [...text("env"), ...text("opa_builtin0"), 0, 3]])),
    }),
    what: "imports env.opa_builtin0 with another type than OPA's",
  },
  {
    name: "that imports a global",
    module: opaLike({ imports: section(2, list([[...text("env"), ...text("g"), 3, 0x7f, 0]])) }),
    what: 'imports "g", which is no function and no memory',
  },
  {
    name: "whose start function takes a parameter",
    module: opaLike({ start: section(8, [2]) }),
    what: "has a start function that is not one of its own without parameters",
  },
  {
    name: "whose start function is not there",
    module: opaLike({ start: section(8, u32(4_294_967_295)) }),
    what: "has a start function that is not one of its own without parameters",
  },
  {
    name: "with passive data",
    module: encodeModule(section(11, list([[1, ...text("x")]]))),
    what: "has a data segment that is not of WebAssembly 1.0",
  },
  {
    name: "with a list longer than the file",
    module: encodeModule(section(3, u32(100_000))),
    what: "ends in the middle",
  },
  {
    name: "with a list of 4 thousand million",
    module: encodeModule(section(3, u32(4_294_967_295))),
    what: "has a list of 4294967295, more than 100000",
  },
  {
    name: "with a function of over 4 MiB",
    module: encodeModule(
      section(1, list([functionType(0, 0)])),
      section(2, list([memoryImport])),
      section(3, list([[0]])),
      section(10, list([body(Array.from({ length: 4 * 1024 * 1024 }, () => 1))])),
    ),
    what: "has 4194306 bytes in a function, more than 4194304",
  },
  {
    name: "that is a component",
    module: new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
    what: "does not begin as a WebAssembly module of version 1",
  },
  {
    name: "that is empty",
    module: new Uint8Array(),
    what: "ends in the middle",
  },
];

describe("shapeProblems refuses a module", () => {
  for (const { name, module, what } of hostile) {
    test(name, () => {
      const problems = shapeProblems(module);
      assert.equal(problems.map((one) => one.what).join("; "), what);
      const fix = "compile it with opa build -t wasm of OPA 1.x, or ship the Rego alone";
      assert.deepEqual(problems[0], {
        ...{ field: "policy.wasm", what: problems[0]?.what, fix, kind: "invalid" },
      });
    });
  }
});

describe("shapeProblems accepts", () => {
  test("our own guardrails.wasm", async () => {
    assert.deepEqual(shapeProblems(new Uint8Array(await readFile(builtin))), []);
  });

  const rego = {
    "a constant": "package x\n\ny := 1",
    "rules that are looked up by name": `package x

y := data.z[input.name]`,
    "calls of the host, functions, and virtual documents": `package x

f(a) := regex.replace(a, "a", "b")

p contains f(a) if some a in input.xs

q[a] := b if some a, b in input.m

y := [sprintf("%v", [p]), q, json.patch(input, []), time.add_date(0, 1, 1, 1)]`,
    "500 rules and a list of 20,000": [
      "package x",
      `many := [${Array.from({ length: 20_000 }, (_, i) => i).join()}]`,
      ...Array.from({ length: 500 }, (_, i) => `r${i} := {"a": [${i}], "b": input.x${i}}`),
      "y := [many[input.i], r1, r499]",
    ].join("\n\n"),
  };
  for (const [name, source] of Object.entries(rego)) {
    test(`what opa build makes of ${name}`, async () => {
      const sources = [
        { path: "x.rego", text: source },
        { path: "z.rego", text: "package z\n\na := 1\n\nb := input.c" },
      ];
      const compiled = await compileRego(sources, {
        ...{ entryPoints: ["x/y"], opa: await findOpa(), signal },
        deadlineMs: 300_000, // of a machine that does other things beside
      });
      assert.ok(compiled.ok, JSON.stringify(compiled));
      assert.deepEqual(shapeProblems(compiled.module), []);
    });
  }

  test("the smallest module of OPA's shape", () => {
    assert.deepEqual(shapeProblems(opaLike()), []);
  });
});

describe("readModule", () => {
  test("reads whatever it is given, and never throws", () => {
    const sections = fc.array(
      fc
        .tuple(fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 40 }))
        .map(([id, content]) => section(id, [...content])),
      { maxLength: 14 },
    );
    fc.assert(
      fc.property(sections, (some) => typeof readModule(encodeModule(...some)).ok === "boolean"),
      { numRuns: 2_000 },
    );
  });

  test("takes a real module with bytes changed, cut or added for what V8 may refuse, never for more", async () => {
    const real = new Uint8Array(await readFile(builtin));
    const headBytes = 2_000; // beyond are bodies, which are not read
    const edit = fc.record({
      at: fc.nat(headBytes),
      bytes: fc.uint8Array({ maxLength: 4 }),
      cut: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let module = real;
        for (const { at, bytes, cut } of edits) {
          const parts = [module.subarray(0, at), bytes, module.subarray(at + cut)];
          module = new Uint8Array(Buffer.concat(parts));
        }
        const read = readModule(module);
        // What V8 takes and we read holds the same imports and exports for both.
        fc.pre(read.ok && WebAssembly.validate(module));
        assert.ok(read.ok);
        const compiled = new WebAssembly.Module(module);
        assert.deepEqual(
          WebAssembly.Module.imports(compiled).map(({ module: from, name }) => `${from}.${name}`),
          read.module.imports.map(({ module: from, name }) => `${from}.${name}`),
        );
      }),
      { numRuns: 100 },
    );
  });
});
