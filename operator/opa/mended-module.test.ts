import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Evaluator } from "./evaluator.ts";
import { mendModule } from "./mended-module.ts";
import { sectionIds, sectionsOf } from "./module-reader.ts";
import { writeSections } from "./module-writer.ts";

const built = new Uint8Array(
  await readFile(new URL("../../rego/build/guardrails.wasm", import.meta.url)),
);
const without = (module: Uint8Array, id: number) =>
  writeSections([...sectionsOf(module)].filter((section) => section.id !== id));

describe("mendModule", () => {
  test("gives a module that engines take, with the same imports and exports", () => {
    const [before, after] = [built, mendModule(built)!].map((bytes) => {
      new WebAssembly.Module(bytes);
      const sections = [...sectionsOf(bytes)];
      return sections.filter(({ id }) => id === sectionIds.import || id === sectionIds.export);
    });
    assert.deepEqual(after, before);
    assert.notDeepEqual(mendModule(built), built);
  });

  test("sections are written as they were read", () => {
    assert.deepEqual(writeSections([...sectionsOf(built)]), built);
  });

  test("a module without names is refused, as nothing in it could be found", async () => {
    const limits = { initialPages: 16, maximumPages: 256, maximumResultBytes: 0 };
    const stripped = new Evaluator(without(built, sectionIds.custom), limits);
    const message = "has no names of functions; do not strip it";
    assert.throws(() => stripped.facts(), { message });
  });

  test("bytes that were changed or cut give an error or a module, and never hang", () => {
    const head = built.subarray(0, 4_096);
    const changed = fc.array(fc.tuple(fc.nat(head.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(head.length), changed, (length, changes) => {
        const bytes = built.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        for (const module of [bytes, bytes.subarray(0, length)]) {
          try {
            assert.ok((mendModule(module)?.byteLength ?? 8) >= 8);
          } catch (error) {
            assert.ok(error instanceof Error && !(error instanceof assert.AssertionError));
            assert.match(error.message, /^is no module/);
          }
        }
      }),
    );
  });
});
