import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, openSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { bytesOfBuffer, bytesOfFile, ElfError } from "./bytes.ts";
import { type Digest, digestOf } from "./digest.ts";
import { type Elf, readElf } from "./elf.ts";
import { functionAt, functionTable } from "./enclosing.ts";
import { offsetsOf, type Wanted } from "./locate.ts";
import { probesNamed } from "./probes.ts";
import { addressesByNm, openWorkshop } from "./testing-files.ts";

const workshop = openWorkshop();
after(() => workshop.close());

const source = `
__attribute__((noinline)) int first(int a) { return a + 1; }
__attribute__((noinline)) static int second(int a) { return a * 3; }
static int slow(void) { return 1; }
static int (*choose(void))(void) { return slow; }
int picked(void) __attribute__((ifunc("choose")));
int data = 3;
int main(int count, char **args) { return first(count) + second(count) + picked() + data; }
`;
const program = workshop.c(source, "-O1");
const stripped = strip(program);
const goProgram = workshop.go(
  "package main\n\n//go:noinline\nfunc run(n int) int { return n + 1 }\nfunc main() { println(run(2)) }\n",
);

function strip(path: string): string {
  const copy = `${path}-stripped`;
  copyFileSync(path, copy);
  execFileSync("strip", [copy]);
  return copy;
}

function elfAt(path: string): Elf {
  return readElf(bytesOfBuffer(readFileSync(path)));
}

/** `offset` of the function in a file whose code is where the program's addresses say. */
function offsetOf(elf: Elf, address: number): number {
  const text = elf.sections.find(({ name }) => name === ".text")!;
  return address - text.address + text.offset;
}

function located(path: string, wanted: Wanted): readonly number[] | string {
  try {
    return offsetsOf(elfAt(path), wanted);
  } catch (error) {
    assert.ok(error instanceof ElfError, String(error));
    return error.message;
  }
}

for (const name of ["first", "second", "main"]) {
  test(`function ${name} is where binutils says it is`, () => {
    const want = offsetOf(elfAt(program), addressesByNm(program).get(name)!);
    assert.deepEqual(located(program, { symbol: name, offset: 0 }), [want]);
    assert.deepEqual(located(program, { symbol: name, offset: 1 }), [want + 1]);
  });
}

for (const [name, path, symbols] of [
  ["a program", program, ["first", "second", "main"]],
  ["a stripped Go program", strip(goProgram), ["main.run", "main.main"]],
] as const) {
  test(`a place in ${name} is in the function whose place it is`, () => {
    const table = functionTable(elfAt(path));
    const found = symbols.map((symbol) => {
      const [offset] = offsetsOf(elfAt(path), { symbol, offset: 3 });
      return functionAt(table, offset!);
    });
    assert.deepEqual(found, symbols);
    assert.equal(functionAt(table, 1), undefined);
  });
}

test("an address where code is loaded leads to its place in the file", () => {
  const address = addressesByNm(program).get("first")!;
  const want = offsetOf(elfAt(program), address);
  assert.deepEqual(located(program, { address }), [want]);
  assert.deepEqual(located(program, { offset: want }), [want]);
});

test("an open file is read like its content", () => {
  const fd = openSync(program, "r");
  const elf = readElf(bytesOfFile(fd));
  assert.deepEqual(
    offsetsOf(elf, { symbol: "first", offset: 0 }),
    located(program, { symbol: "first", offset: 0 }),
  );
  closeSync(fd);
});

test("a library's functions are found by their dynamic names", () => {
  const libc = "/lib/x86_64-linux-gnu/libc.so.6";
  const [offset] = located(libc, { symbol: "getenv", offset: 0 });
  assert.ok(Number(offset) > 0);
});

const refused: readonly { name: string; path?: string; wanted: Wanted; want: string }[] = [
  {
    name: "a name that no function has",
    wanted: { symbol: "third", offset: 0 },
    want: "symbols have no function third",
  },
  {
    name: "the name of a variable",
    wanted: { symbol: "data", offset: 0 },
    want: "symbols have no function data",
  },
  {
    name: "a place behind the function's end",
    wanted: { symbol: "first", offset: 4096 },
    want: "first has 4 bytes, and none at 4096",
  },
  {
    name: "what only picks a function",
    wanted: { symbol: "picked", offset: 0 },
    want: "picked only picks one of several functions (IFUNC), which have names of their own",
  },
  {
    name: "a file's offset without code",
    wanted: { offset: 8 },
    want: "p_offset has no code at offset 8 of the file",
  },
  {
    name: "an address without code",
    wanted: { address: 8 },
    want: "p_vaddr has no code at address 0x8",
  },
  {
    name: "a name in a stripped program",
    path: stripped,
    wanted: { symbol: "first", offset: 0 },
    want: "symbols have no function first",
  },
  {
    name: "what is no program",
    path: `${program}.c`,
    wanted: { symbol: "first", offset: 0 },
    want: "e_ident is of no ELF file",
  },
];
for (const { name, path = program, wanted, want } of refused) {
  test(`${name} is refused`, () => assert.equal(located(path, wanted), want));
}

test("a program of another machine, or of 32 bits, is refused", () => {
  const content = readFileSync(program);
  const other = process.arch === "x64" ? "arm64" : "x64";
  assert.throws(() => readElf(bytesOfBuffer(content), other), /^Error: e_machine is \d+, and not/);
  const narrow = Buffer.from(content);
  narrow[4] = 1;
  assert.throws(() => readElf(bytesOfBuffer(narrow)), /^Error: e_ident is not of 64 bits/);
});

for (const flags of [[], ["-ldflags=-s -w"], ["-buildmode=pie", "-ldflags=-s -w"]]) {
  test(`functions of a Go program built with "${flags.join(" ")}" are found`, () => {
    const source = readFileSync(`${goProgram}.go`, "utf8");
    const built = flags.length === 0 ? goProgram : workshop.go(source, ...flags);
    const whole = workshop.go(source, ...flags.filter((flag) => !flag.startsWith("-ldflags")));
    for (const name of ["main.run", "main.main", "runtime.gopanic"]) {
      const address = addressesByNm(whole).get(name)!;
      const want = offsetOf(elfAt(whole), address);
      assert.deepEqual(located(built, { symbol: name, offset: 0 }), [want], name);
    }
    assert.equal(
      located(built, { symbol: "main.none", offset: 0 }),
      "symbols have no function main.none",
    );
  });
}

const probing = workshop.c(
  readFileSync(new URL("./testing-probes.c", import.meta.url), "utf8"),
  ...["-O1", "-no-pie"],
);

test("probes are found by provider and name, with their counters and arguments", () => {
  const elf = elfAt(probing);
  const [begin, ...others] = probesNamed(elf, { provider: "app", name: "begin" });
  assert.deepEqual(others, []);
  const places = ["-4@%edi", "8@%rsi", "-4@(%rdx)", "1@4(%rdx,%rcx,1)", "-2@$-9"];
  assert.deepEqual(begin!.args, places);
  assert.equal(begin!.semaphore, undefined);
  assert.equal(elf.bytes.read(begin!.offset, 1, "code")[0], 0x90);
  const semaphore = elf.sections.find(({ name }) => name === ".probes")!.offset;
  assert.deepEqual(
    probesNamed(elf, { provider: "app", name: "end" }).map(({ offset: _, ...probe }) => probe),
    [
      { semaphore, args: ["1@%dil"] },
      { semaphore, args: ["4@$3", "8@%rdi"] },
    ],
  );
  assert.deepEqual(probesNamed(elf, { provider: "app", name: "none" }), []);
});

test("a digest is found by any of its algorithms, and others are not", () => {
  const bytes = bytesOfBuffer(readFileSync(program));
  const hex = (tool: string) => execFileSync(tool, [program], { encoding: "utf8" }).split(" ")[0]!;
  const [, build] = /Build ID: ([0-9a-f]+)/.exec(
    execFileSync("readelf", ["-n", program], { encoding: "utf8" }),
  )!;
  const digests: readonly Digest[] = [
    ...["sha1", "sha256", "sha384", "sha512"].map((algorithm) => ({
      algorithm,
      hex: hex(`${algorithm}sum`),
    })),
    { algorithm: "build-id", hex: build! },
  ];
  for (const digest of digests) {
    const wrong = { ...digest, hex: digest.hex.replaceAll(/./g, "0") };
    assert.deepEqual(digestOf(bytes, [wrong, digest]), digest);
    assert.equal(digestOf(bytes, [wrong]), undefined);
  }
});
