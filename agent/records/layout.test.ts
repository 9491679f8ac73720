import assert from "node:assert/strict";
import { test } from "node:test";
import { layout } from "../compile/layout.ts";
import { lossCauses } from "../kernel/losses.ts";
import { decodeRecord } from "./decode.ts";
import { execFlag, hookFlag, type KernelRecord } from "./kernel-record.ts";
import { bitsOf, fieldsOf, sizeOf, valuesOf } from "./testing-types-header.ts";

/** An event of which each field has a value of its own, put where bpf/types.h has the field. */
function anEvent(struct: string, kind: number) {
  const fields = fieldsOf(struct);
  const size = sizeOf(fields);
  const record = Buffer.alloc(size);
  const values = new Map<string, number>();
  for (const [i, [name, { at, size: bytes }]] of [...fields].entries()) {
    const fixed: Record<string, number> = { "header.kind": kind, "header.size": size };
    const value = fixed[name] ?? (name.endsWith("_size") ? 0 : 1_000 + i);
    values.set(name, value);
    record.writeUIntLE(value, at, Math.min(bytes, 6));
  }
  const event = decodeRecord(record, 0);
  assert.notEqual(event.kind, "bad");
  return { event: event as KernelRecord, of: (name: string) => values.get(name)! };
}

const { EVENT_EXEC, EVENT_CLONE, EVENT_EXIT, EVENT_HOOK } = valuesOf("event_kind");

function keyIn(of: (name: string) => number, name: string) {
  return { pid: of(`${name}.pid`), ktime: BigInt(of(`${name}.ktime`)) };
}

test("each field of an exec and a clone is read where the header has it", () => {
  for (const [struct, number, kind] of [
    ["exec_event", EVENT_EXEC!, "exec"],
    ["clone_event", EVENT_CLONE!, "clone"],
  ] as const) {
    const { event, of } = anEvent(struct, number);
    const { records: _, at: _at, end: _end, next: _next, ...read } = event;
    assert.deepEqual(read, {
      kind,
      ktime: BigInt(of("header.ktime")),
      process: keyIn(of, "process"),
      parent: keyIn(of, "parent"),
      cgroupId: BigInt(of("cgroup_id")),
      ...{ tid: of("tid"), nspid: of("nspid"), uid: of("uid"), flags: of("flags") },
      ...(kind === "exec" ? { auid: of("auid") } : {}),
    });
  }
});

test("each field of an exit and of a hook's event is read where the header has it", () => {
  const exit = anEvent("exit_event", EVENT_EXIT!);
  const { of } = anEvent("hook_event", EVENT_HOOK!);
  const hook = anEvent("hook_event", EVENT_HOOK!).event;
  const plain = ({ records: _, at: _at, end: _end, next: _next, ...read }: KernelRecord) => read;
  assert.deepEqual(plain(exit.event), {
    ...{ kind: "exit", ktime: BigInt(exit.of("header.ktime")) },
    ...{ process: keyIn(exit.of, "process"), tid: exit.of("tid"), code: exit.of("code") },
  });
  assert.deepEqual(plain(hook), {
    ...{ kind: "hook", ktime: BigInt(of("header.ktime")), process: keyIn(of, "process") },
    ...{ cgroupId: BigInt(of("cgroup_id")), tid: of("tid"), hook: of("hook") },
    ...{ selector: of("selector"), action: of("action"), flags: of("flags"), argCount: of("args") },
  });
});

test("flags, actions, argument types and causes of loss have the header's numbers", () => {
  const upper = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  const named = (all: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [upper(name), value]));
  assert.deepEqual(named(hookFlag), bitsOf("HOOK"));
  assert.deepEqual(named(execFlag), bitsOf("EXEC"));
  const actions = Object.entries(layout.actionCode).map(([name, code]) => [
    `ACTION_${name.toUpperCase()}`,
    code,
  ]);
  assert.deepEqual(Object.fromEntries(actions), valuesOf("action_code"));
  const { ARG_SIZE, ARG_ERROR: _, ...types } = valuesOf("arg_type");
  const argTypes = Object.entries(layout.argType).map(([name, type]) => [
    `ARG_${name.toUpperCase()}`,
    type,
  ]);
  assert.deepEqual(Object.fromEntries(argTypes), { ...types, ARG_SIZE_T: ARG_SIZE });
  const { LOSS_MAX: _max, ...losses } = valuesOf("loss");
  assert.deepEqual(
    lossCauses.map((cause, index) => [`LOSS_${cause.toUpperCase()}`, index]),
    Object.entries(losses),
  );
});

test("what is counted of stops is read where the header has it", () => {
  const places = [...fieldsOf("hook_stops")].map(([name, { at, size }]) => [name, at, size]);
  assert.deepEqual(places, [
    ["stopped", 0, 8],
    ["would_stop", 8, 8],
    ["of_protected", 16, 8],
  ]);
});
