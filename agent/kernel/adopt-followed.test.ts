import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { adoptFollowed } from "./adopt-followed.ts";
import type { Loader } from "./loader.ts";
import type { Native } from "./native.ts";
import { PinnedIds } from "./pinned-ids.ts";

/** Of another version: what it follows by address, with its groups, and the sets of those. */
type Other = {
  readonly files: Map<bigint, readonly [groups: bigint, pod?: bigint]>;
  readonly sets: readonly string[];
};

/** What `adoptFollowed` asks the kernel for, in order, where this version has these sets. */
function adopting(
  t: TestContext,
  other: Other,
  {
    sets,
    room = 9,
    ...on
  }: {
    sets: string[];
    room?: number;
    fence?: () => void;
    forget?: () => void;
  },
) {
  const root = mkdtempSync(join(tmpdir(), "adopt-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "maps"));
  for (const map of ["followed", "follow_groups"]) writeFileSync(join(root, "maps", map), "");
  const asked: string[] = [];
  const native = fakeNative(other, {
    run(program, context) {
      const { file, groups, pod } = read(context, layout.follow_request);
      asked.push(`${program} ${file}${program === "follow_adopt" ? ` ${groups} ${pod}` : ""}`);
      if (program === "follow_forget") on.forget?.();
      return asked.length > room ? 0 : 1;
    },
  });
  const ids = new PinnedIds(native, join(root, "none"), { first: 0, limit: 64 });
  for (const name of sets) ids.ensure(name);
  const loader = { native, objects: root, shared: {}, pins: {} } as unknown as Loader;
  const fence = () => {
    asked.push("fence");
    on.fence?.();
  };
  return { done: adoptFollowed(root, { loader, ids, fence }), asked };
}

function fakeNative(other: Other, object: { run(program: string, context: Uint8Array): number }) {
  const [followed, groups, own] = [1, 2, 3];
  const native: Partial<Native> = {
    openPinnedMap: (path) => (path.endsWith("followed") ? followed : groups),
    createMap: () => own,
    pinMap: () => {},
    closeFd: () => {},
    update: () => {},
    mapInfo: () => ({ id: 1, name: "", keySize: 8, valueSize: 16, maxEntries: 9 }),
    keys(fd) {
      if (fd === own) return new Uint8Array();
      const all = fd === followed ? BigUint64Array.from(other.files.keys()) : numbersOf(other.sets);
      return new Uint8Array(all.buffer);
    },
    lookup(fd, key, value) {
      if (fd === groups) {
        const name = other.sets[Buffer.from(key).readUInt32LE()]!;
        value.set(createHash("sha256").update(name).digest());
        return true;
      }
      const found = other.files.get(Buffer.from(key).readBigUInt64LE());
      if (found === undefined) return false;
      value.set(new Uint8Array(BigUint64Array.of(found[0], found[1] ?? 0n).buffer));
      return true;
    },
    openObject: () => ({ ...object, reuseMap() {}, load() {}, close() {} }) as never,
  };
  return native as Native;
}

function numbersOf(sets: readonly string[]): Uint32Array {
  return Uint32Array.from(sets.keys());
}

test("groups are numbered anew, and what no set of this version follows is left", (t) => {
  const files = new Map([
    [1n, [0b011n, 7n]],
    [2n, [0b100n]],
    [3n, [0b110n]],
  ] as const);
  const other = {
    files: new Map<bigint, readonly [bigint, bigint?]>(files),
    sets: ["a", "b", "c"],
  };
  const { done, asked } = adopting(t, other, { sets: ["z", "b", "a"] });
  assert.ok(done);
  assert.deepEqual(asked, ["follow_adopt 1 6 7", "follow_adopt 3 2 0", "fence"]);
});

test("where there is no room for one file, the other version is to stay", (t) => {
  const files = new Map([1n, 2n].map((file) => [file, [1n] as const]));
  const { done, asked } = adopting(t, { files, sets: ["a"] }, { sets: ["a"], room: 1 });
  assert.equal(done, false);
  assert.deepEqual(asked, ["follow_adopt 1 1 0", "follow_adopt 2 1 0"]);
});

test("a file that goes while it is taken is forgotten, but not the next one at its address", (t) => {
  const files = new Map<bigint, readonly [bigint, bigint?]>([1n, 2n].map((file) => [file, [1n]]));
  const fence = () => void files.delete(1n);
  const taken = ["follow_adopt 1 1 0", "follow_adopt 2 1 0", "fence", "follow_forget 1"];
  const gone = adopting(t, { files, sets: ["a"] }, { sets: ["a"], fence });
  assert.deepEqual(gone, { done: true, asked: taken });
  files.clear();
  for (const file of [1n, 2n]) files.set(file, [1n]);
  const forget = () => void files.set(1n, [1n]);
  const again = adopting(t, { files, sets: ["a"] }, { sets: ["a"], fence, forget });
  assert.deepEqual(again, { done: true, asked: [...taken, "follow_adopt 1 1 0"] });
});

test("nothing is loaded where no file is followed", (t) => {
  const { done, asked } = adopting(t, { files: new Map(), sets: ["a"] }, { sets: ["a"] });
  assert.ok(done);
  assert.deepEqual(asked, []);
});
