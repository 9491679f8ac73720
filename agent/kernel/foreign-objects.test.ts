import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isOfForeignObjects } from "./foreign-objects.ts";
import { loadNative } from "./native.ts";

const native = loadNative();
const folder = mkdtempSync(join(tmpdir(), "guardbee-objects-"));
after(() => rmSync(folder, { recursive: true }));
const own = fileURLToPath(new URL("../../bpf/build/fentry.bpf.o", import.meta.url));

function failure(call: () => void): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return assert.fail("did not throw");
}

const cases: readonly { readonly name: string; readonly call: () => void }[] = [
  { name: "none is there", call: () => native.openObject(join(folder, "none.bpf.o")) },
  {
    name: "it is no object",
    call: () => {
      writeFileSync(join(folder, "text.bpf.o"), "text");
      native.openObject(join(folder, "text.bpf.o"));
    },
  },
  { name: "it has no map of a name", call: () => native.openObject(own).reuseMap("later", 0) },
  { name: "it has no variable of a name", call: () => set("later", 4) },
  { name: "a variable has another size", call: () => set("spec", 3) },
];
function set(name: string, size: number): void {
  native.openObject(own).setGlobal(name, new Uint8Array(size));
}
for (const { name, call } of cases) {
  test(`an error tells of foreign objects where ${name}`, () => {
    const error = failure(call);
    assert.ok(isOfForeignObjects(error), `${error}`);
  });
}

test("what the kernel refuses says nothing of the objects", () => {
  for (const code of ["EPERM", "EINVAL", "ENOMEM"]) {
    assert.ok(!isOfForeignObjects(Object.assign(new Error(), { code, op: "load" })));
  }
  assert.ok(!isOfForeignObjects(new Error("another")));
});
