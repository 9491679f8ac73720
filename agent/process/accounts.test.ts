import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Accounts, parsePasswd } from "./accounts.ts";

test("a line of passwd names a user; the first of an id counts, and what is no line is left out", () => {
  const text =
    "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n#off:x:7:7:::\nbad\nweb:x:33:33:::\n";
  assert.deepEqual(
    [...parsePasswd(text)],
    [
      [0, "root"],
      [33, "web"],
    ],
  );
});

test("users have names in the host's namespaces alone, and the file is read again when it changed", () => {
  const procfs = mkdtempSync(join(tmpdir(), "accounts-"));
  try {
    for (const folder of ["1/root/etc", "1/ns"])
      mkdirSync(join(procfs, folder), { recursive: true });
    for (const name of ["mnt", "user"]) writeFileSync(join(procfs, "1/ns", name), "");
    const inode = (name: string) => Number(statSync(join(procfs, "1/ns", name)).ino);
    const host = { mntNs: inode("mnt"), userNs: inode("user") };
    const passwd = join(procfs, "1/root/etc/passwd");
    writeFileSync(passwd, "root:x:0:0:::\n");
    const accounts = new Accounts(procfs);
    assert.equal(accounts.nameOf(0, host), "root");
    assert.equal(accounts.nameOf(1, host), "");
    assert.equal(accounts.nameOf(0, { ...host, mntNs: 1 }), "");
    assert.equal(accounts.nameOf(0, { ...host, userNs: 1 }), "");
    writeFileSync(passwd, "admin:x:0:0:::\nweb:x:1:1:::\n");
    accounts.refresh();
    assert.deepEqual([accounts.nameOf(0, host), accounts.nameOf(1, host)], ["admin", "web"]);
    rmSync(passwd);
    accounts.refresh();
    assert.equal(accounts.nameOf(0, host), "admin");
  } finally {
    rmSync(procfs, { recursive: true });
  }
});

test("without a host to look at nobody has a name", () => {
  const accounts = new Accounts("/nonexistent");
  assert.equal(accounts.nameOf(0, { mntNs: 0, userNs: 0 }), "");
});
