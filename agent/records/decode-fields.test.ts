import assert from "node:assert/strict";
import { test } from "node:test";
import { enums, layout } from "../gen/layout.ts";
import { type Read, read, type Struct, write } from "../layout/struct.ts";
import { decodeRecord } from "./decode.ts";
import type { KernelRecord } from "./kernel-record.ts";

/** What is decoded of an event of which each field has a value of its own, and these values. */
function anEvent<S extends Struct>(struct: S, kind: number) {
  // Some values are flags that say of a struct that it follows.
  const size = struct.size + layout.exec_identity.size;
  const record = Buffer.alloc(size);
  let next = 1_000;
  const fill = ({ fields }: Struct, at: number): void => {
    for (const [name, field] of Object.entries(fields)) {
      if (typeof field.type !== "string") fill(field.type, at + field.at);
      else if (!name.endsWith("_size")) {
        const number = field.type === "u8" ? next++ % 256 : next++;
        const value = field.type === "u64" ? BigInt(number) : number;
        write(record, { size: 0, fields: { [name]: field } }, { [name]: value }, at);
      }
    }
  };
  fill(struct, 0);
  write(record, layout.event_header, { kind, size });
  const event = decodeRecord(record, 0);
  assert.notEqual(event.kind, "bad");
  const { records: _, at: _at, end: _end, next: _next, ...decoded } = event as KernelRecord;
  return { decoded, record };
}

const key = ({ pid, ktime }: Read<typeof layout.process_key>) => ({ pid, ktime });
const { EVENT_EXEC, EVENT_CLONE, EVENT_EXIT, EVENT_HOOK } = enums.event_kind;

test("each field of an exec and a clone is decoded from the field of its name", () => {
  const exec = anEvent(layout.exec_event, EVENT_EXEC);
  const clone = anEvent(layout.clone_event, EVENT_CLONE);
  const common = (values: Read<typeof layout.exec_event | typeof layout.clone_event>) => ({
    ktime: values.header.ktime,
    process: key(values.process),
    parent: key(values.parent),
    cgroupId: values.cgroup_id,
    ...{ tid: values.tid, nspid: values.nspid, uid: values.uid, flags: values.flags },
  });
  const execValues = read(exec.record, layout.exec_event);
  assert.deepEqual(exec.decoded, {
    ...{ kind: "exec", ...common(execValues), auid: execValues.auid },
    ...{ mntNs: execValues.mnt_ns, userNs: execValues.user_ns },
    ...{ argsData: execValues.args_data, envData: execValues.env_data },
  });
  const cloneValues = read(clone.record, layout.clone_event);
  assert.deepEqual(clone.decoded, { kind: "clone", ...common(cloneValues) });
});

test("each field of an exit and of a hook's event is decoded from the field of its name", () => {
  const exit = anEvent(layout.exit_event, EVENT_EXIT);
  const left = read(exit.record, layout.exit_event);
  assert.deepEqual(exit.decoded, {
    ...{ kind: "exit", ktime: left.header.ktime, process: key(left.process) },
    ...{ tid: left.tid, code: left.code },
  });
  const hook = anEvent(layout.hook_event, EVENT_HOOK);
  const called = read(hook.record, layout.hook_event);
  const { tid, selector, action, entry, flags } = called;
  assert.deepEqual(hook.decoded, {
    ...{ kind: "hook", ktime: called.header.ktime, process: key(called.process) },
    ...{ cgroupId: called.cgroup_id, tid, hook: called.hook },
    ...{ selector, action, entry, flags, argCount: called.args },
  });
});
