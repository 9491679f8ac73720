import assert from "node:assert/strict";
import { test } from "node:test";
import { type Abilities, isUnsure, probeAbilities } from "./features.ts";
import type { Native } from "./native.ts";
import { ProgramFiles } from "./program-files.ts";

/** A kernel that answers each question after trampolines of a type with the next of these; else it can. */
function aKernel(
  answers: Readonly<Record<string, string[]>>,
  { int80 = false as boolean | null, functions = ["__x64_sys_write"] } = {},
) {
  const native = {
    trampolineRefusal: (type: string) => answers[type]?.shift() ?? null,
    btfFunction: (name: string) =>
      functions.includes(name) ? { parameters: [], returns: "int" } : null,
    takesInt80: () => int80,
    kprobeRefusal: () => null,
    ...{ uprobeRefusal: () => null, uprobeOverrideRefusal: () => null },
    perfEventRefusal: () => null,
  } as unknown as Native;
  return () =>
    probeAbilities(native, {
      allowed: { whyNoRequest: () => undefined },
      files: new ProgramFiles(native, "/"),
    });
}

function answersOf(abilities: Abilities) {
  const { fentry, fmod_ret_syscalls, fmod_ret_ia32, fmod_ret_security } = abilities.features;
  const fmod_ret = [fmod_ret_syscalls, fmod_ret_ia32, fmod_ret_security];
  return { fentry, fmod_ret, unsure: isUnsure(abilities) };
}

for (const code of ["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOMEM"]) {
  test(`${code} says nothing about what a kernel can, and is asked about again`, () => {
    const kernel = aKernel({ fentry: [code], fmod_ret: [code, code, code, code] });
    const ask = () => answersOf(kernel());
    assert.deepEqual(ask(), { fentry: code, fmod_ret: [code, code, code], unsure: true });
    assert.deepEqual(ask(), { fentry: true, fmod_ret: [code, true, true], unsure: true });
    assert.deepEqual(ask(), { fentry: true, fmod_ret: [true, true, true], unsure: false });
  });
}

test("a kernel that refuses a program lacks the ability, and is sure of it", () => {
  for (const code of ["EINVAL", "ENOTSUPP", "EPERM", "ESRCH"]) {
    const ask = aKernel({ fmod_ret: [code] });
    assert.deepEqual(answersOf(ask()), {
      ...{ fentry: true, fmod_ret: [false, true, true], unsure: false },
    });
  }
});

const entries = ["__x64_sys_write", "__ia32_sys_write"];
const int80: readonly { name: string; of: Parameters<typeof aKernel>[1]; want: boolean }[] = [
  { name: "is reported where a process may", of: { int80: true }, want: true },
  {
    name: "is not where they are switched off, though the entries are there",
    of: { int80: false, functions: entries },
    want: false,
  },
  {
    name: "is where nobody can tell and the entries are there",
    of: { int80: null, functions: entries },
    want: true,
  },
  { name: "is not where nobody can tell and there are none", of: { int80: null }, want: false },
];
for (const { name, of, want } of int80) {
  test(`that 32-bit system calls are taken ${name}`, () => {
    assert.equal(aKernel({}, of)().kernel.features.includes("ia32_emulation"), want);
  });
}

test("a kernel is reported with the one way in which it preempts tasks", () => {
  const { kernel, preempts } = aKernel({})();
  const [model, ...others] = kernel.features.filter((one) => one.startsWith("preempt_"));
  assert.deepEqual(others, []);
  assert.equal(preempts, !["preempt_none", "preempt_voluntary"].includes(model!));
});
