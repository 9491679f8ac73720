import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = dirname(import.meta.dirname);

/** Calls of a logger, up to the end of their statement. */
const logCall = /\blog\??\.(?:trace|debug|info|warn|error|fatal)\((?<given>[^;]*?)\)[;,]\n/g;

test("a log message is the same text each time, of several words: facts are in fields", () => {
  const files = globSync("{agent,kube,operator}/**/*.ts", { cwd: root });
  const calls = files
    .filter((file) => !file.includes("node_modules") && !file.endsWith(".test.ts"))
    .flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(logCall)].map(({ groups }) => ({
        file,
        given: groups!.given!,
      })),
    );
  assert.ok(calls.length > 40, String(calls.length));
  const wrong = calls.filter(
    ({ given }) => given.includes("${") || /(^|\}, )"[^" ]*",?\s*$/.test(given),
  );
  assert.deepEqual(wrong, []);
});
