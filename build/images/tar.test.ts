import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { encodeTar, type TarEntry } from "./tar.ts";

const data = Buffer.from("hello");
const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
const entries: readonly TarEntry[] = [
  { kind: "hard", path: "a-link", mode: 0o755, target: "z" },
  { kind: "file", path: "z", mode: 0o755, data },
  { kind: "file", path: long, mode: 0o644, data },
  { kind: "link", path: "s", target: `../${long}` },
  { kind: "dir", path: "tmp", mode: 0o1777 },
];

test("encodeTar gives the same bytes whatever the order of its entries", () => {
  assert.deepEqual(encodeTar(entries), encodeTar([...entries].reverse()));
});

test("encodeTar writes what tar lists, hard links after their files", () => {
  const args = ["--numeric-owner", "--utc", "-tvf", "-"];
  const listed = execFileSync("tar", args, { input: encodeTar(entries), encoding: "utf8" });
  const at = "1970-01-01 00:00";
  assert.deepEqual(listed.trim().replaceAll(/ +/g, " ").split("\n"), [
    `-rw-r--r-- 0/0 5 ${at} ${long}`,
    `lrwxrwxrwx 0/0 0 ${at} s -> ../${long}`,
    `drwxrwxrwt 0/0 0 ${at} tmp/`,
    `-rwxr-xr-x 0/0 5 ${at} z`,
    `hrwxr-xr-x 0/0 0 ${at} a-link link to z`,
  ]);
});
