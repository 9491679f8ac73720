import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeTar } from "./tar.ts";
import { unpackImage } from "./unpack.ts";

test("an unpacked image has the files of all layers, the upper ones winning", () => {
  const file = (path: string, text: string, mode: number) =>
    ({ kind: "file", path, mode, data: Buffer.from(text) }) as const;
  const dir = mkdtempSync(join(tmpdir(), "guardbee-unpack-"));
  try {
    const lower = [file("a", "old", 0o644), file("run", "x", 0o755)];
    const upper = [file("a", "new", 0o600), { kind: "link", path: "l", target: "/run" } as const];
    const image = { name: "i", entrypoint: [], command: [], env: [], workingDir: "/" };
    unpackImage({ ...image, layers: [encodeTar(lower), encodeTar(upper)] }, join(dir, "root"));
    const at = (name: string) => join(dir, "root", name);
    assert.equal(readFileSync(at("a"), "utf8"), "new");
    assert.equal(statSync(at("a")).mode & 0o777, 0o600);
    assert.equal(statSync(at("run")).mode & 0o777, 0o755);
    assert.equal(readlinkSync(at("l")), "/run");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
