import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { anyProgram } from "./testing/any-program.ts";
import {
  constantMap,
  exit,
  type Instruction,
  insn,
  pseudo,
  run,
  wide,
  wideInsn,
} from "./testing/interpreter.ts";
import { type Answer, buildRunner, specialise } from "./testing/specialise-runner.ts";

/** New in every run. A failure says it: set it to see the failure again. */
const seed = Number(process.env.GUARDBEE_SEED ?? Date.now() % 2 ** 31);
const programs = 2000;

const folder = mkdtempSync(join(tmpdir(), "guardbee-specialise-"));
after(() => rmSync(folder, { recursive: true }));
const runner = join(folder, "runner");
buildRunner(runner);

test(`a specialised program does what it did (GUARDBEE_SEED=${seed})`, () => {
  const given = fc.sample(anyProgram(), { numRuns: programs, seed });
  const answers = specialise(runner, given);
  let shorter = 0;
  for (const [number, program] of given.entries()) {
    const answer = answers[number];
    assert.ok(answer && answer.insns.length > 0, `program ${number} is not understood`);
    assert.ok(answer.insns.length <= program.insns.length);
    if (answer.insns.length < program.insns.length) shorter++;
    const what = () => `program ${number}: ${JSON.stringify({ program, answer })}`;
    compareTraces(run(program, program.constants), run(answer, program.constants), what);
    checkPlaces(answer, what);
  }
  assert.ok(shorter > programs / 2, `${shorter} of ${programs} became shorter`);
});

test("what constants rule out is gone, with what was worked out for it", () => {
  const program = {
    insns: [
      ...wideInsn({ dst: 6, src: pseudo.mapValue, imm: constantMap }, 4),
      insn(0x61, { dst: 7, src: 6 }), // r7 = *(u32 *)(r6 + 0)
      insn(0x57, { dst: 7, imm: 1 }), // r7 &= 1
      insn(0x15, { dst: 7, off: 1 }), // if r7 == 0 goto +1
      insn(0x85, { imm: 5 }),
      insn(0xb7, { dst: 0 }),
      exit,
    ],
    functions: [{ at: 0, id: 0 }],
  };
  const [withBit, without] = specialise(runner, [
    { ...program, constants: Uint8Array.of(0, 0, 0, 0, 3, 0, 0, 0) },
    { ...program, constants: new Uint8Array(8) },
  ]);
  assert.deepEqual(
    withBit?.insns.map(({ code }) => code),
    [0x85, 0xb7, 0x95],
  );
  assert.deepEqual(
    without?.insns.map(({ code }) => code),
    [0xb7, 0x95],
  );
});

test("a function finds the arguments that all of its calls have in common, and no more", () => {
  const f = [
    insn(0x15, { dst: 1, off: 1, imm: 2 }), // is decided
    insn(0x85, { imm: 5 }),
    insn(0x15, { dst: 6, off: 1, imm: 1 }), // its caller's register is none of its own
    insn(0x85, { imm: 6 }),
    insn(0x15, { dst: 2, off: 1, imm: 3 }), // is one thing or the other
    insn(0x85, { imm: 7 }),
    insn(0xb7),
    exit,
  ];
  const main = [
    ...[insn(0xb7, { dst: 6, imm: 1 }), insn(0xb7, { dst: 1, imm: 2 })],
    ...[insn(0xb7, { dst: 2, imm: 3 }), insn(0x85, { src: pseudo.call, imm: 5 })],
    ...[insn(0xb7, { dst: 1, imm: 2 }), insn(0xb7, { dst: 2, imm: 4 })],
    ...[insn(0x85, { src: pseudo.call, imm: 2 }), insn(0xb7), exit],
  ];
  const functions = [
    { at: 0, id: 0 },
    { at: main.length, id: 1 },
  ];
  const [answer] = specialise(runner, [
    { insns: [...main, ...f], functions, constants: new Uint8Array(8) },
  ]);
  const called = answer?.insns.slice(answer.functions[1]?.at) ?? [];
  assert.deepEqual(
    called.filter(({ code }) => code === 0x15).map(({ dst }) => dst),
    [6, 2],
  );
  assert.deepEqual(
    called.filter(({ code }) => code === 0x85).map(({ imm }) => imm),
    [6, 7],
  );
});

test("a signed move is not worked out", () => {
  const insns = [
    insn(0xb7, { dst: 6, imm: 200 }),
    insn(0xbf, { dst: 7, src: 6, off: 8 }), // r7 = (s8)r6
    insn(0x15, { dst: 7, off: 1, imm: 200 }),
    insn(0x85, { imm: 5 }),
    insn(0xb7, { dst: 0 }),
    exit,
  ];
  const program = { insns, functions: [{ at: 0, id: 0 }], constants: new Uint8Array(8) };
  assert.deepEqual(specialise(runner, [program])[0]?.insns, insns);
});

test("a program with what is not understood stays as it is", () => {
  const functions = [{ at: 0, id: 0 }];
  const odd: readonly Instruction[][] = [
    [insn(0xe5, { off: 1 }), exit, exit], // may_goto
    [insn(0x06, { imm: 0 }), exit], // goto with 32 bits
    [insn(0x81, { dst: 1, src: 1 }), exit], // load that extends the sign
    [insn(0xdb, { dst: 1, src: 2, imm: 0x100 }), exit], // load with acquire
    [insn(0x05, { off: 5 }), exit], // leads out of the program
    [insn(0x05, { off: 1 }), ...wideInsn({ dst: 1 }, 0), exit], // leads into an instruction
    [insn(0xb7)], // goes on behind the end
    [insn(wide)],
    [],
  ];
  const constants = new Uint8Array(8);
  for (const [number, { insns }] of specialise(
    runner,
    odd.map((insns) => ({ insns, functions, constants })),
  ).entries()) {
    assert.deepEqual(insns, [], `program ${number}`);
  }
});

/** Equal, up to where one of them was ended: the specialised one does more in as many steps. */
function compareTraces(before: string[], now: string[], what: () => string): void {
  if (before.at(-1) !== "too long") {
    assert.deepEqual(now, before, what());
    return;
  }
  const common = Math.min(
    before.length - 1,
    now.at(-1) === "too long" ? now.length - 1 : now.length,
  );
  assert.deepEqual(now.slice(0, common), before.slice(0, common), what());
}

/** What the kernel asks of functions and lines (check_btf_func, check_btf_line). */
function checkPlaces({ insns, functions, lines }: Answer, what: () => string): void {
  const begins = functions.map(({ at }) => at);
  for (const places of [begins, lines]) {
    assert.equal(places[0], 0, what());
    assert.ok(
      places.every((at, i) => i === 0 || at > (places[i - 1] ?? 0)),
      what(),
    );
    assert.ok(
      places.every((at) => at < insns.length && insns[at]?.code !== 0),
      what(),
    );
  }
  assert.ok(
    begins.every((at) => lines.includes(at)),
    what(),
  );
  const named = insns.flatMap(({ code, src, imm }, at) =>
    (code === 0x85 && src === pseudo.call) || (code === wide && src === pseudo.function)
      ? [at + 1 + imm]
      : [],
  );
  assert.deepEqual(new Set([0, ...named]), new Set(begins), what());
}
