import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { formatProblem } from "@guardbee/policy";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { inspectModule, moduleProblems } from "./inspect.ts";

const signal = new AbortController().signal;

describe("inspectModule", () => {
  test("says the ABI, entry points and builtins of the host", async () => {
    const compiled = await compileRego(
      [{ path: "a.rego", text: "package edge\n\nout := sprintf(input.a, input.b)" }],
      { entryPoints: ["edge/out"], opa: await findOpa(), signal },
    );
    assert.ok(compiled.ok);
    const facts = await inspectModule(compiled.module, signal);
    assert.deepEqual(facts, {
      abi: { version: 1, minor: 3 },
      entryPoints: ["edge/out"],
      builtins: ["sprintf"],
    });
    assert.deepEqual(moduleProblems(facts, ["edge/out"]), []);
  });

  test("what is no module of opa is an error", async () => {
    const junk = new Uint8Array([1, 2, 3]);
    await assert.rejects(inspectModule(junk, signal), {
      message: "policy.wasm: is no module: it ends too early",
    });
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    await assert.rejects(inspectModule(empty, signal), {
      message: "policy.wasm: is no module of opa build: it has no ABI version",
    });
  });

  test("a module that never starts is ended", async () => {
    // (module (func (loop br 0)) (start 0))
    const endless = new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 8, 1, 0],
      ...[10, 9, 1, 7, 0, 3, 0x40, 0x0c, 0, 0x0b, 0x0b],
    ]);
    await assert.rejects(inspectModule(endless, signal, { deadlineMs: 500 }), {
      message: "policy.wasm: did not start within 500 ms",
    });
  });

  test("the built-in modules can be used", async () => {
    const module = await readFile(new URL("../../rego/build/translate.wasm", import.meta.url));
    const facts = await inspectModule(new Uint8Array(module), signal);
    assert.deepEqual(moduleProblems(facts, ["guardbee/translate/result"]), []);
  });
});

test("moduleProblems names what is missing", () => {
  const facts = {
    abi: { version: 1, minor: 2 },
    entryPoints: ["edge/out"],
    builtins: ["http.send", "sprintf", "zz.new"],
  };
  assert.deepEqual(
    moduleProblems(facts, ["edge/in"]).map((one) => formatProblem(one)),
    [
      "policy.wasm: has no entry point edge/in, but edge/out; build it with -e edge/in",
      "policy.wasm: calls http.send, which is not supplied; the result would depend on the network; put facts into data",
      "policy.wasm: calls zz.new, which is not supplied; Guardbee's Wasm host does not have it",
    ],
  );
});
