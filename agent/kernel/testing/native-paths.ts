/** Test support: where paths lead in the memory that bpf/testing/paths.h lays out. */
import type { FoundPath } from "../../btf/find-path.ts";

const number = { isSigned: false, is: "number", shown: "a number" } as const;
const text = { isSigned: false, is: "place", shown: "char[16]", bytes: 0, type: "string" } as const;

/** Bits around a bit field, which are none of it. */
const around = { before: 3, count: 1 } as const;

const paths: Readonly<Record<string, FoundPath>> = {
  exit_signal: { ...number, offsets: [16], bytes: 4, isSigned: true, type: "int" },
  jobctl: { ...number, offsets: [24], bytes: 8, type: "uint64" },
  no_cgroup_migration: { ...number, offsets: [34], bytes: 1, bits: around, type: "uint32" },
  comm: { ...text, offsets: [48] },
  "real_parent.comm": { ...text, offsets: [80, 64] },
  "files.fdt.fd[0]": {
    ...{ offsets: [96, 32, 8, 0], bytes: 8, isSigned: false },
    ...{ is: "pointer", shown: "struct file *", type: "file" },
  },
};

export function foundPath(_struct: string, path: string): FoundPath | string {
  return paths[path] ?? `there is no ${path} here`;
}

/** The bytes of a number where a path leads; `key` undefined: of a parameter. */
export function inMemory(value: bigint, key: string | undefined): bigint {
  const found = key === undefined ? undefined : paths[key.split(" ").at(-1)!];
  if (found?.bits === undefined) return value;
  const { before, count } = found.bits;
  const own = ((1n << BigInt(count)) - 1n) << BigInt(before);
  return (0xffn & ~own) | (value << BigInt(before));
}
