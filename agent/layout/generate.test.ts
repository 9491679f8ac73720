import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { formatLayout } from "./format-layout.ts";

const bpf = fileURLToPath(new URL("../../bpf", import.meta.url));
const generator = fileURLToPath(new URL("./generate.ts", import.meta.url));

/** What `generate.ts --check` says when bpf/types.h has `after` in place of `before`. */
function checkAfter(before: string, after: string) {
  const copy = mkdtempSync(join(tmpdir(), "layout-"));
  try {
    cpSync(bpf, copy, { recursive: true, filter: (path) => !/\/build(\/|$)/.test(path) });
    const header = join(copy, "types.h");
    const text = readFileSync(header, "utf8");
    assert.ok(text.includes(before), `bpf/types.h: has no ${before}`);
    writeFileSync(header, text.replace(before, after));
    const make = spawnSync("make", ["-s", "-C", copy, "build/layout.o"], { encoding: "utf8" });
    assert.equal(make.status, 0, make.stderr);
    const object = join(copy, "build/layout.o");
    const check = spawnSync("node", [generator, "--check", "--object", object], {
      encoding: "utf8",
    });
    return { status: check.status, stderr: check.stderr };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const stale = {
  status: 1,
  stderr: "agent/gen/layout.ts: is not what bpf/ has; run make generate\n",
};

test("what was generated of the headers as they are passes the check", () => {
  const field = "\t__u32 code;\t\t/* as wait(2)";
  assert.deepEqual(checkAfter(field, field), { status: 0, stderr: "" });
});

test("a field more in a struct fails the check, which says what to run", () => {
  const field = "\t__u64 stopped;";
  assert.deepEqual(checkAfter(field, `\t__u64 more;\n${field}`), stale);
});

test("another value of a code fails the check", () => {
  assert.deepEqual(checkAfter("EVENT_HOOK = 4,", "EVENT_HOOK = 12,"), stale);
});

test("padding is refused, and where it is said", () => {
  const { status, stderr } = checkAfter("\t__u64 stopped;", "\t__u32 more;\n\t__u64 stopped;");
  assert.equal(status, 1);
  assert.match(stderr, /struct hook_stops: before or in stopped are bits of no field/);
});

test("what two sides cannot share is refused", () => {
  const types = [
    { id: 1, kind: "PTR", name: "(anon)", type_id: 0 },
    {
      id: 2,
      kind: "STRUCT",
      name: "held",
      size: 8,
      members: [{ name: "at", type_id: 1, bits_offset: 0 }],
    },
    {
      id: 3,
      kind: "STRUCT",
      name: "layout",
      size: 8,
      members: [{ name: "held", type_id: 2, bits_offset: 0 }],
    },
  ];
  assert.throws(() => formatLayout(types), { message: "held.at: is PTR, which cannot be shared" });
  assert.throws(() => formatLayout(types.slice(0, 2)), {
    message: "bpf/layout.c: has no struct layout",
  });
});
