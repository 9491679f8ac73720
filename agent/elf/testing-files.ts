/** Test support: programs of this machine that compilers make, and files that are broken. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";

/** A folder for programs, and what makes them in it. */
export type Workshop = {
  readonly folder: string;
  /** Compiles C: the file's path. */
  c(source: string, ...flags: readonly string[]): string;
  /** Builds Go, which takes seconds: the file's path. */
  go(source: string, ...flags: readonly string[]): string;
  close(): void;
};

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-elf-"));
  let count = 0;
  const make = (ending: string, source: string) => {
    const path = join(folder, `program${count++}`);
    writeFileSync(`${path}.${ending}`, source);
    return path;
  };
  return {
    folder,
    c(source, ...flags) {
      const path = make("c", source);
      execFileSync("gcc", [...flags, "-o", path, `${path}.c`]);
      return path;
    },
    go(source, ...flags) {
      const path = make("go", source);
      execFileSync("go", ["build", ...flags, "-o", path, `${path}.go`], { cwd: folder });
      return path;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Addresses of functions by name, as binutils says them. */
export function addressesByNm(path: string): ReadonlyMap<string, number> {
  const lines = execFileSync("nm", [path], { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [, address, name] = /^([0-9a-f]+) [Tt] (.+)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, Number.parseInt(address!, 16)] as const];
    }),
  );
}

/** The file with some bytes changed, numbers put in, or its end cut off. */
export function anyBroken(file: string | Buffer): fc.Arbitrary<Buffer> {
  const content = typeof file === "string" ? readFileSync(file) : file;
  const places = fc.oneof(
    fc.nat(63), // the header
    fc.nat(content.length - 9),
    fc.integer({ min: Math.max(0, content.length - 4096), max: content.length - 9 }), // sections
  );
  const value = fc.oneof(
    fc.constantFrom(0n, 1n, 0xffn, 0xffff_ffffn, 0x7fff_ffff_ffff_ffffn, (1n << 64n) - 1n),
    fc.bigInt({ min: 0n, max: BigInt(content.length) * 2n }),
  );
  const change = fc.record({ at: places, bytes: fc.constantFrom(1, 2, 4, 8), value });
  const end = fc.oneof(
    { weight: 4, arbitrary: fc.constant(content.length) },
    {
      weight: 1,
      arbitrary: fc.nat(content.length),
    },
  );
  return fc.record({ changes: fc.array(change, { maxLength: 6 }), end }).map(({ changes, end }) => {
    const broken = Buffer.from(content);
    for (const { at, bytes, value } of changes) {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(BigInt.asUintN(64, value));
      number.copy(broken, at, 0, bytes);
    }
    return broken.subarray(0, end);
  });
}
