import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { enums, layout } from "../../gen/layout.ts";
import { GetEventsResponseSchema } from "../../gen/wire.ts";
import { bytesOf } from "../../layout/struct.ts";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord } from "../../records/kernel-record.ts";
import { cloneRecord, execRecord } from "../../records/testing-records.ts";
import { messageJson } from "../../wire/message-json.ts";
import { execEvent, exitEvent } from "../event.ts";
import { createEventWire } from "./event-wire.ts";
import { createJsonLine } from "./json-lines.ts";
import { createLineEncoder } from "./lines.ts";

const lines = createLineEncoder(createJsonLine({ nodeName: "n1", bootToWallNs: (ns) => ns }));
const wireOf = createEventWire({ nodeName: "n1", bootToWallNs: (ns) => ns });
const { RAISED_SETUID, RAISED_FILE_CAPABILITIES } = enums.exec_raised;

function anExec() {
  const tree = new ProcessTree(() => 0, {
    details: {
      credentials: true,
      hostNamespaces: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      environment: new Set(["A", "B", "EMPTY"]),
    },
  });
  const identity = bytesOf(layout.exec_identity, {
    ...{ permitted: 0b110n, effective: 0b10n, inheritable: 0n, inode: 77n },
    ...{ uid: 1, gid: 2, euid: 0, egid: 4, suid: 5, sgid: 6, fsuid: 7, fsgid: 8 },
    ...{ securebits: 0b1001, raised: RAISED_SETUID | RAISED_FILE_CAPABILITIES },
    namespaces: [1, 2, 30, 4, 5, 6, 0, 0, 9, 10],
  });
  const record = decodeRecord(execRecord({ identity, envData: 30 }), 0) as ExecRecord;
  const environment = Buffer.from("A=1\0HIDDEN=2\0B=x=y\0EMPTY=\0noequals\0");
  const process = tree.exec(record, { args: Buffer.alloc(0), environment });
  return { tree, process };
}

test("a process has what is asked for where upstream has it", () => {
  const { tree, process } = anExec();
  const event = execEvent(process, 1n);
  const line = lines.encode([event]).lines.toString();
  const message = fromBinary(GetEventsResponseSchema, wireOf(event));
  assert.deepEqual(JSON.parse(messageJson(GetEventsResponseSchema, message)), JSON.parse(line));
  const own = JSON.parse(line).process_exec.process;
  const from = Object.keys(own).indexOf("refcnt");
  const { refcnt: _, ...rest } = Object.fromEntries(Object.entries(own).slice(from));
  assert.equal(
    JSON.stringify(rest),
    JSON.stringify({
      cap: { permitted: ["DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"], effective: ["DAC_OVERRIDE"] },
      ns: {
        uts: { inum: 1, is_host: true },
        ipc: { inum: 2, is_host: true },
        mnt: { inum: 30 },
        pid: { inum: 4, is_host: true },
        pid_for_children: { inum: 5, is_host: true },
        net: { inum: 6, is_host: true },
        cgroup: { inum: 9, is_host: true },
        user: { inum: 10, is_host: true },
      },
      tid: 100,
      process_credentials: {
        ...{ uid: 1, gid: 2, euid: 0, egid: 4, suid: 5, sgid: 6, fsuid: 7, fsgid: 8 },
        securebits: ["SecBitNoRoot", "SecBitNoSetUidFixupLocked"],
      },
      binary_properties: {
        setuid: 0,
        privileges_changed: [
          "PRIVILEGES_RAISED_EXEC_FILE_CAP",
          "PRIVILEGES_RAISED_EXEC_FILE_SETUID",
        ],
        file: { inode: { number: "77", links: 0 } },
      },
      in_init_tree: false,
      environment_variables: [
        { Key: "A", Value: "1" },
        { Key: "B", Value: "x=y" },
        { Key: "EMPTY" },
      ],
    }),
  );
  const exit = exitEvent(process, { ktime: 2n, process: process.key, code: 0 });
  const left = JSON.parse(lines.encode([exit]).lines.toString()).process_exit.process;
  assert.deepEqual([left.binary_properties, left.ns.uts.inum], [undefined, 1]);
  const clone = tree.clone(decodeRecord(cloneRecord({}), 0) as never);
  assert.deepEqual(clone?.image.credentials, process.image.credentials);
  assert.equal(clone?.image.binaryProperties, undefined);
});
