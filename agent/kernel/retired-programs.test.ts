import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { Native } from "./native.ts";
import { Pins } from "./pins.ts";
import { RetiredPrograms } from "./retired-programs.ts";

let folder: string;
let pins: Pins;
/** Since when tasks sleep. */
let asleep: readonly bigint[];
let retired: RetiredPrograms;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "retired-"));
  for (const name of ["objects", "bpffs"]) mkdirSync(join(folder, name));
  pins = new Pins(join(folder, "bpffs"), join(folder, "objects"));
  asleep = [];
  retired = new RetiredPrograms(native, pins, 7);
});
afterEach(() => rmSync(folder, { recursive: true }));

const native = {
  keys: (fd: number) => {
    assert.equal(fd, 7);
    return new Uint8Array(new BigUint64Array(asleep.map((_, i) => BigInt(i))).buffer);
  },
  lookup: (_fd: number, key: Uint8Array, value: Uint8Array) => {
    new DataView(value.buffer).setBigUint64(0, asleep[key[0]!]!, true);
    return true;
  },
} as unknown as Native;

function pin(hook: string, ...names: readonly string[]): string {
  mkdirSync(pins.hook(hook));
  for (const name of names) writeFileSync(join(pins.hook(hook), name), "");
  return pins.hook(hook);
}

const kept = () => readdirSync(pins.retired).length;
/** Has the programs that are kept be there for longer already. */
function age(seconds: number): void {
  for (const name of readdirSync(pins.retired)) {
    rmSync(join(pins.retired, name));
    const since = process.hrtime.bigint() - BigInt(seconds) * 1_000_000_000n;
    writeFileSync(join(pins.retired, `${since}-0`), "");
  }
}

test("where no program sleeps, none is kept", () => {
  retired.remove(pin("one", "link", "program", "tables"));
  assert.deepEqual([kept(), pins.pinnedHooks()], [0, []]);
});

test("programs beside one that sleeps are kept, and those of other attach points", () => {
  const other = pin("other", "link", "program");
  retired.remove(pin("one", "link", "program", "hash", "last", "last-program", "tables"));
  assert.equal(kept(), 2);
  retired.remove(other);
  assert.deepEqual([kept(), pins.pinnedHooks()], [3, []]);
});

test("they go when no task sleeps that has slept since before, and some seconds have passed", () => {
  retired.remove(pin("one", "program", "hash"));
  retired.collect();
  assert.equal(kept(), 1, "just detached");
  age(60);
  const now = process.hrtime.bigint();
  asleep = [now, now - 70_000_000_000n];
  retired.collect();
  assert.equal(kept(), 1, "a task sleeps");
  asleep = [now, now - 40_000_000_000n];
  retired.collect();
  assert.equal(kept(), 0);
});

test("of another version they are kept, too, and nothing else", () => {
  const root = join(folder, "bpffs", "v-other");
  mkdirSync(join(root, "hooks", "one"), { recursive: true });
  for (const name of ["program", "hash"]) writeFileSync(join(root, "hooks", "one", name), "");
  retired.removeVersion(root);
  assert.deepEqual([kept(), pins.otherVersions()], [1, []]);
});
