import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { extentOf } from "../../test/testing/fuzz.ts";
import { bytesOfBuffer, ElfError } from "./bytes.ts";
import { digestOf } from "./digest.ts";
import { readElf } from "./elf.ts";
import { functionAt, functionTable } from "./enclosing.ts";
import { goFunctions } from "./go-symbols.ts";
import { offsetsOf } from "./locate.ts";
import { parseProbeArg } from "./probe-arg.ts";
import { probesNamed } from "./probes.ts";
import { anyBroken, openWorkshop } from "./testing-files.ts";

const workshop = openWorkshop();
after(() => workshop.close());
const include = fileURLToPath(new URL("testing-probes.c", import.meta.url));
const files = {
  program: workshop.c("int first(void) { return 1; } int main(void) { return first(); }", "-O1"),
  "program with probes": workshop.c(`#include "${include}"`, "-O1"),
  "Go program": workshop.go("package main\n\nfunc main() { println(1) }\n", "-ldflags=-s -w"),
};

/** All that is looked for in a file that anybody may have made: each finds it, or says what is wrong. */
const readers: Readonly<Record<string, (broken: Buffer) => void>> = {
  "a function's place": (broken) => {
    for (const symbol of ["first", "main", "main.main"]) {
      const offsets = offsetsOf(readElf(bytesOfBuffer(broken)), { symbol, offset: 0 });
      assert.ok(offsets.every((offset) => offset < broken.length));
    }
  },
  "all functions": (broken) => {
    const table = functionTable(readElf(bytesOfBuffer(broken)));
    assert.equal(table.names.length, table.starts.length);
    functionAt(table, broken.length / 2);
  },
  "Go's functions": (broken) => {
    goFunctions(readElf(bytesOfBuffer(broken)));
  },
  "probes, and their arguments": (broken) => {
    for (const name of ["begin", "end", "odd"]) {
      const found = probesNamed(readElf(bytesOfBuffer(broken)), { provider: "app", name });
      for (const { args } of found) for (const arg of args) parseProbeArg(arg);
    }
  },
  "a digest": (broken) => {
    digestOf(bytesOfBuffer(broken), [{ algorithm: "build-id", hex: "00" }]);
  },
};

for (const [what, path] of Object.entries(files)) {
  test(`a broken ${what} is read, or refused with the part that is wrong`, () => {
    let refusals = 0;
    const read = (broken: Buffer, reader: string) => {
      try {
        readers[reader]!(broken);
      } catch (error) {
        assert.ok(error instanceof ElfError, (error as Error).stack);
        assert.ok(error.field !== "", error.message);
        refusals++;
      }
    };
    const any = fc.constantFrom(...Object.keys(readers));
    const runs = what === "Go program" ? 300 : 2000;
    fc.assert(fc.property(anyBroken(path), any, read), extentOf(runs));
    assert.ok(refusals > runs / 20, `only ${refusals} were refused`);
  });
}
