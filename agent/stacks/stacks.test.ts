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
  return names.of(
    { ...(kernel && { kernel: of(kernel) }), ...(user && { user: of(user) }) },
    { pid, ktime: 1n },
  );
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
    names
      .of({ user: { pid, addresses: [inner] } }, { pid, ktime: 1n })
      .user!.map(({ symbol }) => symbol);
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
  assert.deepEqual(names.of({ user: { pid: 99, addresses: [inner] } }, { pid: 99, ktime: 1n }), {});
  assert.deepEqual(names.missed, { gone: 1, busy: 0, long: 0 });
});

/** Names of a clock whose every look takes `costMs`. */
function slowNames(costMs: number) {
  let now = 0;
  const names = new StackNames({
    ...{ procfs, withAddresses: false },
    monotonic: () => {
      now += costMs;
      return now;
    },
  });
  const of = (pid: number, ktime = 1n) =>
    names.of({ user: { pid, addresses: [inner] } }, { pid, ktime }).user ?? [];
  const pass = (ms: number) => {
    now += ms;
  };
  return { names, of, pass };
}

test("looking at processes has a tenth of the time: beyond it their stacks are left out and counted", () => {
  const { names, of, pass } = slowNames(150);
  assert.equal(of(7)[0]?.module, "/opt/the program");
  for (let i = 0; i < 20; i++) of(7, BigInt(i + 2));
  const { busy } = names.missed;
  assert.ok(busy >= 15, `${busy}`);
  pass(60_000);
  assert.equal(of(7, 100n)[0]?.module, "/opt/the program");
});

test("what an image has mapped is read again after a second, or sooner for what lies in none of it", () => {
  aProcess(11, "ext4");
  let now = 0;
  const names = new StackNames({ procfs, monotonic: () => now, withAddresses: false });
  const modules = (address: bigint, ktime = 1n) =>
    (names.of({ user: { pid: 11, addresses: [address] } }, { pid: 11, ktime }).user ?? []).map(
      ({ module }) => module,
    );
  const at = (start: string, path: string) =>
    `${start}-${start.slice(0, -4)}2000 r-xp 00000000 fd:01 131      ${path}\n`;
  writeFileSync(join(procfs, "11/maps"), at("00400000", "/opt/first"));
  assert.deepEqual(modules(0x400010n), ["/opt/first"]);
  writeFileSync(
    join(procfs, "11/maps"),
    at("00400000", "/opt/second") + at("00600000", "/opt/third"),
  );
  assert.deepEqual(modules(0x400010n), ["/opt/first"]);
  assert.deepEqual(modules(0x400010n, 2n), ["/opt/second"], "another image has its own");
  assert.deepEqual(modules(0x600010n), []);
  now = 100;
  assert.deepEqual(modules(0x600010n), ["/opt/third"]);
  now = 1100;
  assert.deepEqual(modules(0x400010n), ["/opt/second"]);
});

test("of a process that has mapped more than is looked at, what is beyond has no name, and is counted", () => {
  aProcess(12, "ext4");
  const many = Array.from({ length: 20_000 }, (_, i) => {
    const start = 0x1000_0000 + i * 0x2000;
    return `${start.toString(16)}-${(start + 0x1000).toString(16)} r-xp 00000000 fd:01 131     /opt/many\n`;
  });
  writeFileSync(join(procfs, "12/maps"), many.join(""));
  const names = new StackNames({ procfs, monotonic: () => 0, withAddresses: false });
  const last = BigInt(0x1000_0000 + 19_999 * 0x2000);
  const { user } = names.of(
    { user: { pid: 12, addresses: [0x1000_0010n, last] } },
    { pid: 12, ktime: 1n },
  );
  assert.deepEqual(user, [{ offset: 16n, symbol: "", module: "/opt/many" }]);
  assert.deepEqual(names.missed, { gone: 0, busy: 0, long: 1 });
});

test("the kernel's functions are read again when a module comes, and not when one is used", () => {
  const folder = mkdtempSync(join(procfs, "kernel-"));
  const symbols = (name: string) => `ffffffff81000000 T _stext
ffffffff81000100 T ${name}
ffffffff81100000 T _etext
`;
  let now = 0;
  const names = new StackNames({ procfs: folder, monotonic: () => now, withAddresses: false });
  const symbolsOf = () => {
    now += 60_000;
    const kernel = { pid: 1, addresses: [0xffff_ffff_8100_0110n] };
    return names.of({ kernel }, { pid: 1, ktime: 1n }).kernel!.map(({ symbol }) => symbol);
  };
  const write = (use: string, name: string) => {
    writeFileSync(join(folder, "modules"), `ext4 4096 ${use} Live 0xffffffffc0a00000\n`);
    writeFileSync(join(folder, "kallsyms"), symbols(name));
  };
  write("1 -", "first");
  assert.deepEqual(symbolsOf(), ["first"]);
  write("2 jbd2,", "second");
  assert.deepEqual(symbolsOf(), ["first"]);
  writeFileSync(join(folder, "modules"), "ext4 8192 2 - Live 0xffffffffc0a00000\n");
  assert.deepEqual(symbolsOf(), ["second"]);
});
