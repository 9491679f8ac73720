/** Test support: random BPF programs. */

import fc from "fast-check";
import {
  constantMap,
  exit,
  type Instruction,
  insn,
  otherMap,
  type PlacedFunction,
  pseudo,
  type Subject,
  wide,
  wideInsn,
} from "./interpreter.ts";

export type Program = Subject & { readonly constants: Uint8Array };

/** `leads`: of a jump, how far through its function; of a call, which function. */
type Draft = { readonly insns: readonly Instruction[]; readonly leads?: number };

export function anyProgram(): fc.Arbitrary<Program> {
  const body = fc.array(anyDraft(), { minLength: 2, maxLength: 30 });
  return fc
    .record({
      bodies: fc.array(body, { minLength: 1, maxLength: 4 }),
      constants: fc.uint8Array({ minLength: 16, maxLength: 16, max: 3 }),
    })
    .map(({ bodies, constants }) => ({ ...link(bodies), constants }));
}

function anyDraft(): fc.Arbitrary<Draft> {
  const register = fc.constantFrom(0, 1, 5, 6, 7); // few, so that one is set and read again
  const small = fc.constantFrom(-1, 0, 1, 2, 3, 255, 2 ** 31 - 1, -(2 ** 31));
  const leads = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const size = fc.constantFrom(0, 0x08, 0x10, 0x18);
  const sizeOnStack = fc.oneof({ weight: 5, arbitrary: fc.constant(0x18) }, size);
  const operation = fc.constantFrom(...Array.from({ length: 13 }, (_, i) => i * 16));
  const condition = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13);
  const one = (fields: fc.Arbitrary<Instruction>) => fields.map((each) => ({ insns: [each] }));
  const operand = fc.record({ dst: register, src: register, imm: small, from: fc.boolean() });
  return fc.oneof(
    {
      weight: 4, // a constant is loaded
      arbitrary: fc
        .record({ to: register, at: fc.nat(12), off: fc.integer({ min: -4, max: 12 }), size })
        .map(({ to, at, off, size }) => ({
          insns: [
            ...wideInsn({ dst: to, src: pseudo.mapValue, imm: constantMap }, at),
            insn(0x61 | size, { dst: to, src: to, off }),
          ],
        })),
    },
    fc.record({ dst: register, imm: small, high: small }).map(({ dst, imm, high }) => ({
      insns: wideInsn({ dst, imm }, high),
    })),
    fc.record({ dst: register }).map(({ dst }) => ({
      insns: wideInsn({ dst, src: pseudo.mapValue, imm: otherMap }, 0),
    })),
    one(
      fc
        .record({ dst: register, src: register, off: fc.nat(8), size })
        .map(({ size, ...fields }) => insn(0x61 | size, fields)),
    ),
    {
      weight: 4,
      arbitrary: one(
        fc
          .record({ operand, operation, is64: fc.boolean() })
          .map(({ operand: { from, ...fields }, operation, is64 }) =>
            insn((is64 ? 7 : 4) | operation | (from && operation !== 128 ? 8 : 0), fields),
          ),
      ),
    },
    {
      weight: 4,
      arbitrary: one(
        fc
          .record({ other: register, place: fc.nat(7), size: sizeOnStack, kind: fc.nat(2) })
          .map(({ other, place, size, kind }) => onStack(other, -8 * place - 8, { size, kind })),
      ),
    },
    fc.record({ dst: register, place: fc.nat(3) }).map(({ dst, place }) => ({
      // a pointer, to what is above the places that the compiler has to itself, or is not
      insns: [insn(0xbf, { dst, src: 10 }), insn(0x07, { dst, imm: -8 * place - 8 })],
    })),
    fc.record({ place: fc.nat(3) }).map(({ place }) => ({
      insns: [
        insn(0xbf, { dst: 1, src: 10 }),
        insn(0x07, { dst: 1, imm: -8 * place - 8 }),
        insn(0x85, { imm: 6 }),
      ],
    })),
    one(
      fc
        .record({ src: register, imm: fc.constantFrom(0, 1, 0xe1, 0xf1) })
        .map((fields) => insn(0xdb, { dst: 10, off: -8, ...fields })),
    ),
    {
      weight: 4, // and moved
      arbitrary: one(
        fc.record({ dst: register, imm: fc.nat(2) }).map((fields) => insn(0xb7, fields)),
      ),
    },
    {
      weight: 5,
      arbitrary: fc
        .record({ operand, condition, leads, is64: fc.boolean() })
        .map(({ operand: { from, ...fields }, condition, leads, is64 }) => ({
          insns: [insn((is64 ? 5 : 6) | (condition << 4) | (from ? 8 : 0), fields)],
          leads,
        })),
    },
    fc.record({ dst: fc.nat(8), imm: fc.nat(2) }).map((fields) => ({
      insns: [
        insn(0xb7, fields),
        insn(0x85, { imm: 4 }), // loses it, or not
        insn(0x15, { ...fields, off: 1 }),
        insn(0x7b, { dst: 10, src: 9, off: -8 }),
      ],
    })),
    fc.record({ dst: register, imm: fc.nat(2) }).map((fields) => ({
      insns: [insn(0x15, { ...fields, off: 1 }), insn(0x7b, { dst: 9, src: 9 })],
    })),
    fc.constantFrom(-48, -56).map((off) => ({
      insns: [
        insn(0x85, { imm: 4 }),
        insn(0x7b, { dst: 10, off }), // kept over a call
        insn(0x85, { imm: 4 }),
        insn(0x79, { dst: 3, src: 10, off }),
        insn(0x85, { imm: 5 }),
      ],
    })),
    fc.constantFrom(-48, -56).map((off) => ({
      insns: [
        insn(0x7a, { dst: 10, off, imm: 0x105 }),
        insn(0x72, { dst: 10, off, imm: 6 }), // changes a part of it
        insn(0x79, { dst: 7, src: 10, off }),
        insn(0x15, { dst: 7, off: 1, imm: 6 }),
        insn(0x7b, { dst: 9, src: 9 }),
      ],
    })),
    fc.constantFrom(6, 7, 8).map((dst) => ({
      insns: [
        insn(0xb7, { dst }),
        insn(0x85, { imm: 4 }), // thrice
        insn(0x07, { dst, imm: 1 }),
        insn(0xa5, { dst, imm: 3, off: -3 }),
      ],
    })),
    leads.map((leads) => ({ insns: [insn(0x05)], leads })),
    one(fc.nat(3).map((imm) => insn(0x85, { imm }))),
    leads.map((leads) => ({ insns: [insn(0x85, { src: pseudo.call })], leads })),
    leads.map((leads) => ({ insns: wideInsn({ dst: 2, src: pseudo.function }, 0), leads })),
    fc.constant({ insns: [exit] }),
  );
}

/** A store of a register, a store of a number, or a load. */
function onStack(other: number, off: number, { size, kind }: { size: number; kind: number }) {
  if (kind === 0) return insn(0x63 | size, { dst: 10, src: other, off });
  if (kind === 1) return insn(0x62 | size, { dst: 10, imm: other, off });
  return insn(0x61 | size, { dst: other, src: 10, off });
}

/** Puts functions behind each other, and says where jumps and calls lead. */
function link(bodies: readonly (readonly Draft[])[]): Subject {
  const insns: Instruction[] = [];
  const functions: PlacedFunction[] = [];
  const starts: number[][] = [];
  for (const [id, body] of bodies.entries()) {
    functions.push({ at: insns.length, id });
    const places: number[] = [];
    for (const draft of [...body, { insns: [exit] }]) {
      places.push(insns.length);
      insns.push(...draft.insns);
    }
    starts.push(places);
  }
  for (const [id, body] of bodies.entries()) {
    for (const [number, { leads }] of body.entries()) {
      const at = starts[id]?.[number] ?? 0;
      const one = insns[at];
      if (leads === undefined || !one) continue;
      const isJump = one.code !== wide && one.code !== 0x85;
      const places = isJump ? (starts[id] ?? []) : functions.map((each) => each.at);
      const distance = (places[Math.floor(leads * places.length)] ?? 0) - at - 1;
      insns[at] = { ...one, ...(isJump ? { off: distance } : { imm: distance }) };
    }
  }
  return { insns, functions };
}
