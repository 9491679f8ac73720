import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Condition, Hook } from "@guardbee/policy";
import type { NamedSet } from "../engine.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const folder = "/tmp/substrings/Some-Folder";
const opened = { kind: "kprobe", call: "security_file_open", syscall: false } as const;
const written = { kind: "kprobe", call: "sys_write", syscall: true } as const;
const file = { index: 0, type: "file" } as const;
const buffer = { index: 1, type: "char_buf", sizeArgIndex: 3 } as const;

before(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/a-Password-file`, "");
  writeFileSync(`${folder}/other`, "");
});

/** A policy on an argument that has one of `values`. */
function having(
  name: string,
  op: "SubString" | "SubStringIgnCase" | "Prefix",
  values: readonly string[],
  { on, args }: Pick<Hook, "on" | "args"> = { on: opened, args: [file] },
  ...others: readonly Condition[]
): NamedSet {
  const condition: Condition = { by: "arg", arg: 0, op, values };
  return aSet(name, { on, args, selectors: [{ conditions: [condition, ...others], actions: [] }] });
}

async function saw(...command: readonly [string, ...string[]]): Promise<readonly string[]> {
  const { hooks } = await events.during(() => run(...command));
  return [...new Set(hooks.map(({ policy }) => policy.replace(/^tracingpolicy\./, "")))].sort();
}

test("SubString finds what is in a path, and SubStringIgnCase whatever its case is", async () => {
  const both: Condition = { by: "arg", arg: 0, op: "SubString", values: ["substrings"] };
  await kernel.program([
    having("exact", "SubString", ["Password", "elsewhere"]),
    having("other-case", "SubString", ["password"]),
    having("any-case", "SubStringIgnCase", ["a-PASSWORD-f"]),
    having("both", "SubString", ["-file"], undefined, both),
    having("neither", "SubString", ["other"], undefined, {
      ...{ by: "arg", arg: 0, op: "SubString", values: ["Password"] },
    }),
  ]);
  assert.deepEqual(await saw("cat", `${folder}/a-Password-file`), ["any-case", "both", "exact"]);
  assert.deepEqual(await saw("cat", `${folder}/other`), []);
});

test("SubString looks through all that an event has of a buffer, and no further", async () => {
  const on = { on: written, args: [buffer] };
  await kernel.program([
    having("end", "SubString", ["needle"], on),
    having("begins", "Prefix", ["xx"], on),
  ]);
  const write = (before: number) =>
    saw(
      "perl",
      "-e",
      `my $text = ("x" x ${before}) . "needle" . ("y" x 5000); syscall(1, 2, $text, ${before} + 6)`,
    );
  assert.deepEqual(await write(0), ["end"]);
  assert.deepEqual(await write(4089), ["begins", "end"]);
  assert.deepEqual(await write(4090), ["begins"]);
});

test("of 300 policies each finds its own text, and an edit takes effect", async () => {
  const policies = (texts: string) =>
    Array.from({ length: 300 }, (_, i) =>
      having(`p${i}`, "SubString", [`${texts}-${i}-end`, `no-such-${i}`]),
    );
  for (const texts of ["first", "and-then-the-second"]) {
    await kernel.program(policies(texts));
    writeFileSync(`${folder}/x-${texts}-123-end`, "");
    writeFileSync(`${folder}/x-${texts}-12-en`, "");
    assert.deepEqual(await saw("cat", `${folder}/x-${texts}-123-end`), ["p123"]);
    assert.deepEqual(await saw("cat", `${folder}/x-${texts}-12-en`), []);
  }
});

test("FileType is compared of whatever leads to a file", async () => {
  const unlinked = { kind: "kprobe", call: "security_inode_unlink", syscall: false } as const;
  const dentry = { index: 1, type: "dentry" } as const;
  const of = (name: string, op: "FileType" | "NotFileType") =>
    aSet(name, {
      ...{ on: unlinked, args: [dentry] },
      selectors: [
        {
          conditions: [
            { by: "arg", arg: 0, op: "SubString", values: ["gone-"] },
            { by: "arg", arg: 0, op, values: ["8"] },
          ],
          actions: [],
        },
      ],
    });
  await kernel.program([of("regular", "FileType"), of("others", "NotFileType")]);
  const remove = (make: string) => saw("sh", "-c", `${make} ${folder}/gone-x; rm ${folder}/gone-x`);
  assert.deepEqual(await remove("touch"), ["regular"]);
  assert.deepEqual(await remove("mkfifo"), ["others"]);
});
