import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bytesOfBuffer } from "../elf/bytes.ts";
import { readElf } from "../elf/elf.ts";
import { offsetsOf } from "../elf/locate.ts";
import { openWorkshop } from "../elf/testing-files.ts";
import { StackNames, type Stacks } from "./stacks.ts";

const workshop = openWorkshop();
const program = workshop.c("int inner(void) { return 1; } int main(void) { return inner(); }");
const procfs = mkdtempSync(join(tmpdir(), "guardbee-proc-"));
after(() => {
  workshop.close();
  rmSync(procfs, { recursive: true });
});

writeFileSync(
  join(procfs, "kallsyms"),
  `ffffffff81000000 T _stext
ffffffff81000100 T __pfx_ksys_write
ffffffff81000110 T ksys_write
ffffffff81000400 t bpf_loop
ffffffff81000500 D no_function
ffffffff81100000 T _etext
ffffffffc0a00010 t module_init\t[ext4]
ffffffffc0b00000 t bpf_prog_3_hook\t[bpf]
`,
);
writeFileSync(join(procfs, "modules"), "ext4 4096 1 - Live 0xffffffffc0a00000\n");

/** Process `pid` with the program mapped at 0x400000 from 0x1000 of the file on, on a system of that type. */
function aProcess(pid: number, type: string): void {
  const folder = join(procfs, String(pid));
  mkdirSync(join(folder, "map_files"), { recursive: true });
  writeFileSync(
    join(folder, "maps"),
    `00400000-00402000 r-xp 00001000 fd:01 131                    /opt/the program
7f0000000000-7f0000001000 rw-p 00000000 fd:01 131            /opt/the program
7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]
`,
  );
  writeFileSync(join(folder, "mountinfo"), `28 1 253:1 / / rw - ${type} /dev/vda1 rw\n`);
  symlinkSync(program, join(folder, "map_files/400000-402000"));
}

aProcess(7, "ext4");
aProcess(8, "fuse.sshfs");
const [inFile] = offsetsOf(readElf(bytesOfBuffer(readFileSync(program))), {
  ...{ symbol: "inner", offset: 4 },
}) as [number];
const inner = BigInt(0x400000 - 0x1000 + inFile);

function named(
  addresses: { readonly kernel?: readonly bigint[]; readonly user?: readonly bigint[] },
  { pid = 7, withAddresses = false } = {},
): Stacks {
  const names = new StackNames({ procfs, monotonic: () => 0, withAddresses });
  const of = (some: readonly bigint[]) => ({ pid, addresses: some });
  const { kernel, user } = addresses;
  return names.of({ ...(kernel && { kernel: of(kernel) }), ...(user && { user: of(user) }) });
}

test("addresses of the kernel are its functions, without what runs programs before them", () => {
  const kernel = [
    ...[0xffff_ffff_c0b0_0020n, 0xffff_ffff_8100_0410n], // a program, and what calls it
    ...[0xffff_ffff_8100_0110n, 0xffff_ffff_c0a0_0030n, 0xffff_ffff_8100_0410n],
  ];
  assert.deepEqual(named({ kernel }), {
    kernel: [
      { symbol: "ksys_write", offset: 0n, module: "" },
      { symbol: "module_init", offset: 32n, module: "" },
      { symbol: "bpf_loop", offset: 16n, module: "" },
    ],
  });
});

test("addresses of a process are functions of the files that it runs, and places in them", () => {
  const user = [inner, 0x401fffn, 0x7f00_0000_0010n, 0x7fff_0000_0010n];
  assert.deepEqual(named({ user }), {
    user: [
      { offset: BigInt(inFile), symbol: "inner", module: "/opt/the program" },
      { offset: 0x2fffn, symbol: "", module: "/opt/the program" },
    ],
  });
});

test("a file that a process answers for is not read", () => {
  const [entry] = named({ user: [inner] }, { pid: 8 }).user!;
  assert.deepEqual(entry, { offset: BigInt(inFile), symbol: "", module: "/opt/the program" });
});

test("what a process that ends meanwhile had mapped is read of the next one", () => {
  aProcess(9, "ext4");
  rmSync(join(procfs, "9/map_files"), { recursive: true });
  const names = new StackNames({ procfs, monotonic: () => 0, withAddresses: false });
  const symbolsOf = (pid: number) =>
    names.of({ user: { pid, addresses: [inner] } }).user!.map(({ symbol }) => symbol);
  assert.deepEqual([symbolsOf(9), symbolsOf(7)], [[""], ["inner"]]);
});

test("entries have addresses where they are asked for", () => {
  const { kernel, user } = named(
    { kernel: [0xffff_ffff_8100_0110n], user: [inner] },
    { withAddresses: true },
  );
  assert.deepEqual([kernel![0]!.address, user![0]!.address], [0xffff_ffff_8100_0110n, inner]);
});

test("the stack of a process that is gone is counted", () => {
  const names = new StackNames({ procfs, monotonic: () => 0, withAddresses: false });
  assert.deepEqual(names.of({ user: { pid: 99, addresses: [inner] } }), {});
  assert.equal(names.gone, 1);
});
