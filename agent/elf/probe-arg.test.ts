import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ProbeArg, parseProbeArg } from "./probe-arg.ts";

const ax = { kind: "register", register: 80 } as const;

const cases: readonly { text: string; want: ProbeArg | undefined }[] = [
  { text: "-4@%eax", want: { bytes: 4, isSigned: true, at: ax } },
  { text: "8@%rax", want: { bytes: 8, isSigned: false, at: ax } },
  { text: "1@%al", want: { bytes: 1, isSigned: false, at: ax } },
  {
    text: "2@%r8w",
    want: { bytes: 2, isSigned: false, at: { kind: "register", register: 72 } },
  },
  { text: "4@%esp", want: { bytes: 4, isSigned: false, at: { kind: "register", register: 152 } } },
  { text: "4@$5", want: { bytes: 4, isSigned: false, at: { kind: "constant", value: 5n } } },
  { text: "-4@$-9", want: { bytes: 4, isSigned: true, at: { kind: "constant", value: -9n } } },
  {
    text: "-4@(%rsi)",
    want: { bytes: 4, isSigned: true, at: { kind: "memory", register: 104, offset: 0n } },
  },
  {
    text: "8@-1204(%rbp)",
    want: { bytes: 8, isSigned: false, at: { kind: "memory", register: 32, offset: -1204n } },
  },
  {
    text: "1@-96(%rbp,%rax,8)",
    want: {
      ...{ bytes: 1, isSigned: false },
      at: { kind: "memory", register: 32, offset: -96n, index: { register: 80, scale: 8 } },
    },
  },
  ...["4f@%xmm0", "4@%xmm0", "1@%ah", "8@foo+8(%rip,", "16@%rax", "", "4@", "@%eax", "4@$"].map(
    (text) => ({ text, want: undefined }),
  ),
];
for (const { text, want } of cases) {
  test(`argument ${JSON.stringify(text)} is ${want === undefined ? "not known" : want.at.kind}`, () => {
    assert.deepEqual(parseProbeArg(text), want);
  });
}

test("any text is an argument or none", () => {
  const parts = fc.constantFrom(..."-48@%$(),rabxpsi0d ");
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 16 }), (text) => {
      parseProbeArg(text.join(""));
    }),
  );
});
