import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { extentOf } from "../../test/testing/fuzz.ts";
import { argJson, leastArgBytes, writeArg } from "../args/index.ts";
import { enums, layout } from "../gen/layout.ts";
import { tags } from "../gen/wire-numbers.ts";
import { write } from "../layout/struct.ts";
import { WireWriter } from "../wire/writer.ts";
import { argsProblem, decodeRecord, execText, hookArgs, returnedArg } from "./decode.ts";
import { ExecData } from "./exec-data.ts";
import { fileHashOf } from "./file-hash.ts";
import { stacksOf } from "./stacks.ts";
import {
  cloneRecord,
  dataRecord,
  execRecord,
  exitRecord,
  fdArg,
  fileArg,
  hookRecord,
  rawArg,
  restArg,
} from "./testing-records.ts";

/** Reads whatever `records` are as the agent does: all of it, to the end. */
function walk(records: Buffer): void {
  const data = new ExecData();
  for (let at = 0; at < records.length; ) {
    const event = decodeRecord(records, at);
    assert.ok(event.next > at && event.next <= records.length);
    if (event.kind === "data") data.add(event);
    if (event.kind === "exec") execText(event, data.take(event.process)?.args);
    if (event.kind === "hook" && argsProblem(event) === undefined) {
      stacksOf(event);
      fileHashOf(event);
      const returned = returnedArg(event);
      for (const arg of [...hookArgs(event), ...(returned === undefined ? [] : [returned])]) {
        JSON.parse(argJson(arg, undefined));
        writeArg(tags.ProcessKprobe.args, { arg, label: undefined }, new WireWriter());
      }
    }
    at = event.next;
  }
}

const flags = Object.values(enums.arg_flag);
const types = Object.values(enums.arg_type);
/** An argument of any type, whose payload has so many bytes as that has at least, or more. */
const anyArg = fc
  .record({
    type: fc.constantFrom(...types),
    flags: fc.constantFrom(0, 0, 0, ...flags),
    more: fc.uint8Array({ maxLength: 80 }),
    fill: fc.constantFrom(0, 1, 0x7f, 0xff),
  })
  .map(({ type, flags, more, fill }) => {
    const least = flags === 0 ? (leastArgBytes(type) ?? 0) : 8;
    return rawArg(type, Buffer.concat([Buffer.alloc(least, fill), more]), flags);
  });
const process = { pid: 7, ktime: 9n };
const anyRecord = fc.oneof(
  fc.array(anyArg, { maxLength: 7 }).map((args) => hookRecord({ args })),
  fc.constantFrom(
    execRecord({ args: ["a", "b"] }),
    execRecord({ process, argsData: 4, identity: Buffer.alloc(layout.exec_identity.size) }),
    dataRecord({ process, what: enums.data_what.DATA_ARGS, text: "a\0b\0" }),
    hookRecord({ args: [fileArg("/tmp/x"), fdArg("/tmp/y"), restArg("rest")] }),
    cloneRecord(),
    exitRecord({ process, code: 9 }),
  ),
);

test("no bytes make the decoder throw, loop or read outside", () => {
  const kinds = fc.constantFrom(0, ...Object.values(enums.event_kind));
  const bytes = fc.tuple(kinds, fc.nat(400), fc.uint8Array({ maxLength: 400 }));
  fc.assert(
    fc.property(bytes, ([kind, size, noise]) => {
      const records = Buffer.from(noise);
      if (records.length >= 8) write(records, layout.event_header, { kind, size });
      walk(records);
    }),
    extentOf(3000),
  );
});

test("valid records with any bytes changed never throw", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 4 }),
      ...([changes, fc.option(fc.nat(), { nil: undefined })] as const),
      (all, edits, end) => {
        const valid = Buffer.concat(all);
        const length = end === undefined ? valid.length : end % (valid.length + 1);
        const records = Buffer.from(valid.subarray(0, length));
        for (const [at, byte] of length === 0 ? [] : edits) records[at % length] = byte;
        walk(records);
      },
    ),
    extentOf(3000),
  );
});
