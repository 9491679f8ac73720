import assert from "node:assert/strict";
import { test } from "node:test";
import { probeAbilities } from "./features.ts";
import type { Native } from "./native.ts";
import type { SharedMaps } from "./tracking.ts";

/** A kernel that answers each load of a program of a kind with the next of these; else it can. */
function aKernel(answers: Readonly<Record<string, string[]>>) {
  const native = {
    openObject: (path: string) => ({
      ...{ reuseMap: () => {}, setGlobal: () => {}, setAttachTarget: () => {}, close: () => {} },
      load: () => {
        const code = answers[path.split("/").at(-1)!]?.shift();
        if (code !== undefined) throw Object.assign(new Error(`load: ${code}`), { code });
      },
    }),
    btfFunction: () => ({ parameters: 1 }),
  } as unknown as Native;
  return () => {
    const { fentry, fmodRetSyscalls, unsure } = probeAbilities(native, "/o", {} as SharedMaps);
    return { fentry, fmodRetSyscalls, unsure };
  };
}

for (const code of ["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOMEM"]) {
  test(`${code} says nothing about what a kernel can, and is asked about again`, () => {
    const ask = aKernel({ "fentry.bpf.o": [code], "fmod_ret.bpf.o": [code, code] });
    assert.deepEqual(ask(), {
      ...{ fentry: false, fmodRetSyscalls: false },
      unsure: { fentry: code, fmodRetSyscalls: code },
    });
    const again = { fentry: true, fmodRetSyscalls: false, unsure: { fmodRetSyscalls: code } };
    assert.deepEqual(ask(), again);
    assert.deepEqual(ask(), { fentry: true, fmodRetSyscalls: true, unsure: {} });
  });
}

test("a kernel that refuses a program lacks the ability, and is sure of it", () => {
  for (const code of ["EINVAL", "ENOTSUPP", "EPERM", "ESRCH"]) {
    const ask = aKernel({ "fmod_ret.bpf.o": [code] });
    assert.deepEqual(ask(), { fentry: true, fmodRetSyscalls: false, unsure: {} });
  }
});
