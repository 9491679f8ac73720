/** Test support: specialise.cc in a process of its own, with the compiler's checks of memory. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Program } from "./any-program.ts";
import type { Instruction, Subject } from "./interpreter.ts";

/** `lines`: the instruction that each begins with. */
export type Answer = Subject & { readonly lines: readonly number[] };

const sources = [
  ...["specialise", "constants", "liveness", "frames", "instruction"],
  "testing/specialise-runner",
];

export function buildRunner(path: string): void {
  execFileSync("g++", [
    ...["-std=c++20", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
    ...["-Wall", "-Wextra", "-Werror", "-o", path],
    ...sources.map((name) => fileURLToPath(new URL(`../${name}.cc`, import.meta.url))),
  ]);
}

/** Without instructions: the program is not understood. */
export function specialise(runner: string, given: readonly Program[]): Answer[] {
  const input = Buffer.concat(given.flatMap(requestOf));
  const { stdout, stderr, status } = spawnSync(runner, { input, maxBuffer: 1 << 28 });
  assert.equal(status, 0, String(stderr));
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return stdout.subarray(at - bytes, at);
  };
  return given.map(() => {
    const counts = take(12);
    const [insns, functions, lines] = [0, 4, 8].map((offset) => counts.readUInt32LE(offset));
    return {
      insns: records(take((insns ?? 0) * 8), 8).map(decode),
      functions: records(take((functions ?? 0) * 8), 8).map((one) => ({
        at: one.readUInt32LE(0),
        id: one.readUInt32LE(4),
      })),
      lines: records(take((lines ?? 0) * 16), 16).map((one) => one.readUInt32LE(0)),
    };
  });
}

/** Each instruction is a line of its own. */
function requestOf({ insns, functions, constants }: Program): Buffer[] {
  const begins = insns.flatMap((one, at) => (one.code === 0 ? [] : [at]));
  return [
    words(insns.length, functions.length, begins.length, constants.length),
    ...insns.map(encode),
    ...functions.map(({ at, id }) => words(at, id)),
    ...begins.map((at) => words(at, 1, 1, at)),
    Buffer.from(constants),
  ];
}

function records(bytes: Buffer, size: number): Buffer[] {
  const starts = Array.from({ length: bytes.length / size }, (_, i) => i * size);
  return starts.map((start) => bytes.subarray(start, start + size));
}

function words(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function encode({ code, dst, src, off, imm }: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(dst | (src << 4), 1);
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm, 4);
  return bytes;
}

function decode(bytes: Buffer): Instruction {
  const registers = bytes.readUInt8(1);
  return {
    code: bytes.readUInt8(0),
    dst: registers & 15,
    src: registers >> 4,
    off: bytes.readInt16LE(2),
    imm: bytes.readInt32LE(4),
  };
}
