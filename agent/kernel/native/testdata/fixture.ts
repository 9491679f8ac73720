import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type BpfObject, type KernelError, loadNative, type MapSpec } from "../../native.ts";

export const native = loadNative();
/** Why this machine cannot run a test that needs BPF, or false. */
export const skip = whyNot();

/** linux/bpf.h: BPF_F_NO_PREALLOC */
export const noPrealloc = 1;

/** The shape of the maps in `tables` of target.bpf.c. */
export const inner = aMap({ type: "array", name: "inner", maxEntries: 1 });

export type Globals = { readonly repeat?: number; readonly label?: bigint };

/** A folder with the compiled test objects and a bpffs in `bpffs`, gone after this file's tests. */
export function workspace(): string {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-native-"));
  const bpffs = join(folder, "bpffs");
  mkdirSync(bpffs);
  if (!skip) {
    for (const name of ["events", "kprobe", "recursion", "refused", "target"])
      compile(name, folder);
    execFileSync("mount", ["-t", "bpf", "bpf", bpffs]);
  }
  after(() => {
    if (!skip) execFileSync("umount", [bpffs]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** events.bpf.c, watching the children of this process. */
export function prepare(path: string, { repeat = 1, label = 7n }: Globals = {}): BpfObject {
  const object = native.openObject(path);
  object.setGlobal("parent", u32(process.pid));
  object.setGlobal("repeat", u32(repeat));
  object.setGlobal("label", u64(label));
  return object;
}

export function open(path: string, globals: Globals = {}): BpfObject {
  const object = prepare(path, globals);
  object.load();
  return object;
}

/** The value of `key` in one of the object's maps. */
export function read(object: BpfObject, map: string, key: Uint8Array, size = 8): Buffer {
  const fd = object.mapFd(map);
  const value = lookup(fd, key, size);
  native.closeFd(fd);
  return value;
}

export function lookup(fd: number, key: Uint8Array, size = 8): Buffer {
  const value = Buffer.alloc(size);
  assert.equal(native.lookup(fd, key, value), true);
  return value;
}

export function failure(call: () => void): KernelError {
  try {
    call();
  } catch (error) {
    return error as KernelError;
  }
  assert.fail("did not throw");
}

export function aMap<T extends Partial<MapSpec>>(spec: T): MapSpec & T {
  return { type: "hash", name: "example", keySize: 4, valueSize: 8, maxEntries: 8, ...spec };
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function split(bytes: Uint8Array, size: number): string[] {
  const count = bytes.length / size;
  return Array.from({ length: count }, (_, i) => hex(bytes.subarray(i * size, (i + 1) * size)));
}

function compile(name: string, folder: string): void {
  const source = join(import.meta.dirname, `${name}.bpf.c`);
  const machine = process.arch === "x64" ? "x86_64" : "aarch64";
  const includes = [
    join(import.meta.dirname, "../../../../bpf"),
    `/usr/include/${machine}-linux-gnu`,
  ];
  execFileSync("clang-19", [
    ...["-target", "bpf", "-g", "-O2", "-Wall", "-Werror"],
    ...includes.map((include) => `-I${include}`),
    ...["-c", source, "-o", join(folder, `${name}.bpf.o`)],
  ]);
}

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    native.closeFd(native.createMap(aMap({ type: "array" })));
    return false;
  } catch (error) {
    return `the kernel refuses BPF: ${(error as KernelError).message}`;
  }
}
