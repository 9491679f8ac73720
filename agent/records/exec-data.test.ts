import assert from "node:assert/strict";
import { test } from "node:test";
import { enums } from "../gen/layout.ts";
import { decodeRecord } from "./decode.ts";
import { ExecData } from "./exec-data.ts";
import type { DataRecord, ProcessKey } from "./kernel-record.ts";
import { dataRecord } from "./testing-records.ts";

const { DATA_ARGS, DATA_ENVIRONMENT } = enums.data_what;
const key = (pid: number): ProcessKey => ({ pid, ktime: 5n });
const part = (pid: number, what: number, text: string) =>
  decodeRecord(dataRecord({ process: key(pid), what, text }), 0) as DataRecord;

test("parts are put together by image and by what they are of, and taken once", () => {
  const data = new ExecData();
  data.add(part(1, DATA_ARGS, "a"));
  data.add(part(2, DATA_ARGS, "x"));
  data.add(part(1, DATA_ENVIRONMENT, "E=1"));
  data.add(part(1, DATA_ARGS, "b"));
  data.add(part(1, 99, "of another version"));
  const taken = data.take(key(1));
  assert.deepEqual([`${taken.args}`, `${taken.environment}`], ["ab", "E=1"]);
  assert.deepEqual([data.take(key(1)).args.length, `${data.take(key(2)).args}`], [0, "x"]);
  assert.equal(data.dropped, 0);
});

test("parts whose exec never comes give way to others, oldest first, and are counted", () => {
  const data = new ExecData(10);
  for (const pid of [1, 2, 3]) data.add(part(pid, DATA_ARGS, "12345"));
  assert.equal(data.dropped, 1);
  assert.deepEqual(
    [1, 2, 3].map((pid) => data.take(key(pid)).args.length),
    [0, 5, 5],
  );
  for (const pid of [4, 5]) data.add(part(pid, DATA_ARGS, "12345"));
  assert.equal(data.dropped, 1);
});
