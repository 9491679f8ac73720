import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./duration.ts";
import { type ExportFlags, parseExportFlags } from "./export-options.ts";
import { formatProblems } from "./filter/report.ts";

const byDefault: ExportFlags = {
  ...{ exportAllowlist: "", exportDenylist: "", fieldFilters: "", redactionFilters: "" },
  ...{ enablePidSetFilter: false, exportFileRotationInterval: "0", exportFilePerm: "600" },
  ...{ exportRateLimit: -1, otlpEndpoint: "", otlpProtocol: "grpc", otlpHeaders: "" },
  nodeName: "n",
  enableProcessCred: false,
  exportFormat: "json",
};

test("without flags nothing is done to events", async () => {
  const value = { format: "json", rotationIntervalMs: 0, mode: 0o600 };
  assert.deepEqual(await parseExportFlags(byDefault), { ok: true, value });
});

const modes: readonly [text: string, mode: number][] = [
  ["600", 0o600],
  ["0644", 0o644],
  ["777", 0o664],
  ["000", 0o600],
];
for (const [exportFilePerm, mode] of modes) {
  test(`permissions ${exportFilePerm} are ${mode.toString(8)}`, async () => {
    const parsed = await parseExportFlags({ ...byDefault, exportFilePerm });
    assert.equal(parsed.ok && parsed.value.mode, mode);
  });
}

test("what is wrong with any flag is told, all at once", async () => {
  const parsed = await parseExportFlags({
    ...byDefault,
    ...{ exportAllowlist: "{", exportDenylist: '{"pod":[]}', fieldFilters: "7" },
    ...{ redactionFilters: '{"redact":["x"]}', exportFileRotationInterval: "-1h" },
    exportFilePerm: "rw-",
  });
  assert.ok(!parsed.ok);
  assert.deepEqual(
    formatProblems(parsed.problems)
      .split("\n")
      .map((line) => line.split(";")[0]),
    [
      "--export-allowlist:1: filter: has an object that does not end",
      "--export-denylist:1: pod: is no field of a filter",
      '--field-filters:1: filter: has "7" where an object begins',
      '--redaction-filters:1: redact[0]: is "x": it has no group, and hides nothing',
      '--export-file-rotation-interval: is "-1h"',
      '--export-file-perm: is "rw-"',
    ],
  );
});

const durations: readonly [text: string, ms: number | undefined][] = [
  ["0", 0],
  ["90s", 90_000],
  ["1h30m", 5_400_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["10", undefined],
  ["-1s", undefined],
  ["", undefined],
  ["1h 30m", undefined],
];
for (const [text, ms] of durations) {
  test(`${JSON.stringify(text)} is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}
