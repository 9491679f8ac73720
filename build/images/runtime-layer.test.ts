import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLdd } from "./runtime-layer.ts";

test("parseLdd takes libraries and the loader, not the kernel's page", () => {
  const output = `\tlinux-vdso.so.1 (0x00007ffd)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fb1)
\t/lib64/ld-linux-x86-64.so.2 (0x00007fb2)
`;
  assert.deepEqual(parseLdd(output), [
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
});

test("parseLdd finds nothing in a static program", () => {
  assert.deepEqual(parseLdd("\tnot a dynamic executable\n"), []);
});
