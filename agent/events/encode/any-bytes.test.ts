import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { enums } from "../../gen/layout.ts";
import { GetEventsResponseSchema } from "../../gen/wire.ts";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord, HookRecord } from "../../records/kernel-record.ts";
import { bufferArg, execRecord, hookRecord, rawArg } from "../../records/testing-records.ts";
import { type AgentEvent, execEvent, hookEvent } from "../event.ts";
import { createOcsfLine } from "../ocsf/ocsf-lines.ts";
import { createExportRequest, createLogRecord } from "../otlp/log-records.ts";
import { defaultRedaction } from "../otlp/secrets.ts";
import { decodeRequest } from "../otlp/testing-receiver.ts";
import { hookInfo } from "../testing/some-events.ts";
import { createEventWire } from "./event-wire.ts";
import { createJsonLine } from "./json-lines.ts";
import { createLineEncoder } from "./lines.ts";

const bootToWallNs = (ns: bigint) => ns;
const place = { nodeName: "n", bootToWallNs };
const wireOf = createEventWire(place);
const recordOf = createLogRecord({ bootToWallNs, now: () => 1, redact: defaultRedaction() });
const requestOf = createExportRequest({ a: "b" }, { name: "n", version: "v" });
const lines = {
  json: createLineEncoder(createJsonLine(place)),
  ocsf: createLineEncoder(createOcsfLine({ ...place, clusterName: "", version: "1" })),
};

/** What ends lines, or commands a terminal, or is no UTF-8, among other bytes; up to 128 KiB. */
const odd = fc.constantFrom(
  ...[
    "\n",
    "\r\n",
    "\0",
    "\u001b[2J",
    "\u009b31m",
    "\u2028",
    "\u2029",
    "\u0085",
    '"',
    "\\",
    " ",
  ].map((text) => Buffer.from(text)),
  ...[[0xff], [0xc3], [0xe2, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80]].map(
    (bytes) => Buffer.from(bytes),
  ),
  Buffer.from("a"),
);
const bytes = fc
  .tuple(
    fc.array(fc.oneof(odd, fc.uint8Array({ maxLength: 8 })), { maxLength: 12 }),
    fc.constantFrom(1, 1, 1, 4_000),
  )
  .map(([parts, times]) =>
    Buffer.concat(Array(times).fill(Buffer.concat(parts)).flat()).subarray(0, 128 << 10),
  );

function eventsOf(some: Buffer): readonly AgentEvent[] {
  const tree = new ProcessTree(() => 0);
  const short = some.subarray(0, 4_000);
  const text = short.toString("latin1");
  const exec = decodeRecord(
    execRecord({ filename: `/${text}`, cwd: `/${text}`, args: ["x"] }),
    0,
  ) as ExecRecord;
  const long = { args: some, environment: some };
  const process = tree.exec(exec, long);
  const args = [rawArg(enums.arg_type.ARG_STRING, some), bufferArg(some.length, text)];
  const hook = {
    ...hookInfo,
    args: [
      { index: 0, type: "string" },
      { index: 1, type: "char_buf" },
    ],
  } as const;
  const record = decodeRecord(hookRecord({ process: process.key, args }), 0) as HookRecord;
  return [execEvent(process, 5n), hookEvent(process, record, hook)];
}

test("whatever bytes a process has, an event is one line of printable JSON, and a valid message", () => {
  fc.assert(
    fc.property(bytes, (some) => {
      const events = eventsOf(some);
      for (const encoder of Object.values(lines)) {
        const text = encoder.encode(events).lines.toString();
        const each = text.split("\n");
        assert.equal(each.pop(), "");
        assert.equal(each.length, events.length);
        for (const line of each) {
          assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u);
          JSON.parse(line);
        }
      }
      for (const event of events) fromBinary(GetEventsResponseSchema, wireOf(event));
      const { records } = decodeRequest(requestOf(events.map((event) => recordOf(event)!)));
      assert.equal(records.length, events.length);
    }),
    { numRuns: 60 },
  );
});
