import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Compile } from "typebox/schema";
import type { HookArg } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { type AgentEvent, droppedEvent, exitEvent, type HookEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { createOcsfLine } from "./ocsf-lines.ts";

/**
 * JSON Schemas of OCSF 1.5.0, made by ocsf-json-schema 1.2.0 of PyPI with the profiles that our events
 * have. They refuse attributes that they do not know.
 */
const file = new URL("testing/schemas-1.5.0.json.gz", import.meta.url);
const schemas: Readonly<Record<string, object>> = JSON.parse(
  gunzipSync(readFileSync(file)).toString(),
);
const names: Readonly<Record<number, string>> = {
  ...{ 0: "base_event", 1001: "file_activity", 1002: "kernel_extension_activity" },
  ...{ 1005: "module_activity", 1007: "process_activity", 4001: "network_activity" },
};
const checks = new Map(Object.values(names).map((name) => [name, Compile(schemas[name]!)]));

const lineOf = createOcsfLine({
  ...{ nodeName: "n1", clusterName: "c1", version: "0.1.0" },
  bootToWallNs: (ns) => 1_700_000_000_000_000_000n + ns,
});

function valid(event: AgentEvent) {
  const line = lineOf(event);
  assert.match(line, /^[^\p{C}\p{Zl}\p{Zp}]+\n$/u);
  // biome-ignore lint/suspicious/noExplicitAny: what a reader of JSON gets
  const said: any = JSON.parse(line);
  const check = checks.get(names[said.class_uid]!)!;
  const value: unknown = said;
  assert.ok(check.Check(value), JSON.stringify(check.Errors(value), undefined, 1));
  return said;
}

const events = someEvents();
const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;

const aFile: HookArg = { type: "file", mode: 0o100644, path: "/etc/x", cut: false, deleted: false };
const aSock = {
  ...{ type: "sock", family: 2, socketType: 1, protocol: 6, state: 2, mark: 0, priority: 0 },
  ...{ saddr: "10.0.0.1", daddr: "10.0.0.2", sport: 40000, dport: 443, cookie: 1n },
} as const;

function aHook(functionName: string, args: readonly unknown[], change: Partial<HookEvent> = {}) {
  const hook = { ...events.denied.hook, functionName };
  return { ...events.denied, hook, args: args as readonly HookArg[], ...change };
}

test("an exec is a launch by its parent", () => {
  const said = valid(events.cat);
  assert.deepEqual(
    [
      said.class_uid,
      said.category_uid,
      said.activity_id,
      said.type_uid,
      said.severity_id,
      said.time,
    ],
    [1007, 1, 1, 100701, 1, 1_700_000_000_000],
  );
  const { process, actor, unmapped, device, metadata } = said;
  assert.deepEqual(
    [process.cmd_line, process.container.name, process.euid],
    ["/bin/cat /etc/x", "nginx", 0],
  );
  assert.equal(actor.process.cmd_line, "/usr/sbin/nginx");
  assert.equal(process.parent_process.pid, 200);
  assert.deepEqual([unmapped.kubernetes.pod, device.name], ["web-1", "n1"]);
  assert.deepEqual(
    [metadata.version, metadata.profiles],
    ["1.5.0", ["host", "container", "linux/linux_users"]],
  );
});

test("an exit is a termination with its code, or its signal, also of a process that is not known", () => {
  const of = (code: number) =>
    valid(exitEvent(undefined, { ktime: 5n, process: { pid: 7, ktime: 1n }, code }));
  const { activity_id, exit_code, process } = of(3 << 8);
  assert.deepEqual([activity_id, exit_code, process], [2, 3, { pid: 7, tid: 7 }]);
  assert.deepEqual([of(9).exit_code, of(9).unmapped], [undefined, { signal: "SIGKILL" }]);
});

const { ACTION_SIGKILL, ACTION_OVERRIDE, ACTION_POST } = enums.action_code;
const decisions: readonly {
  name: string;
  action: number;
  flags: number;
  want: readonly unknown[];
}[] = [
  { name: "stopped", action: ACTION_SIGKILL, flags: HOOK_STOPPED, want: [2, 2, true, true, 4] },
  {
    name: "denied and not stopped",
    action: ACTION_OVERRIDE,
    flags: 0,
    want: [2, 17, false, false, 1],
  },
  {
    name: "in monitor mode",
    action: ACTION_SIGKILL,
    flags: HOOK_WOULD_STOP,
    want: [3, 15, true, false, 3],
  },
  { name: "reported", action: ACTION_POST, flags: 0, want: [1, 17, false, false, 1] },
];
for (const { name, action, flags, want } of decisions) {
  test(`a call that is ${name} has decision and outcome apart`, () => {
    const said = valid(aHook("__x64_sys_write", [aFile], { action, flags }));
    const { action_id, disposition_id, is_alert, policy, severity_id, metadata } = said;
    assert.deepEqual([action_id, disposition_id, is_alert, policy.is_applied, severity_id], want);
    assert.deepEqual([policy.name, policy.uid], ["deny", "TracingPolicy/deny"]);
    assert.equal(metadata.profiles[0], "security_control");
    assert.equal(metadata.event_code, "__x64_sys_write");
  });
}

const aModule = { type: "module", name: "evil", taints: 0n };
const calls: readonly { call: string; args: readonly unknown[]; want: readonly unknown[] }[] = [
  { call: "__x64_sys_write", args: [aFile], want: [1001, 3] },
  { call: "fd_install", args: [{ type: "int", value: 3 }, aFile], want: [1001, 14] },
  { call: "security_path_rename", args: [{ ...aFile, type: "path" }], want: [1001, 5] },
  { call: "security_inode_magic", args: [aFile], want: [1001, 99] },
  { call: "security_mmap_file", args: [aFile], want: [1005, 1] },
  { call: "security_bprm_check", args: [{ ...aFile, type: "linux_binprm" }], want: [1007, 1] },
  { call: "tcp_connect", args: [aSock], want: [4001, 1] },
  { call: "tcp_close", args: [aSock], want: [4001, 2] },
  { call: "do_init_module", args: [aModule], want: [1002, 1] },
  { call: "sys_setuid", args: [{ type: "int", value: 0 }], want: [1007, 99] },
  { call: "tcp_connect", args: [{ ...aSock, family: 1, saddr: "", daddr: "" }], want: [1007, 99] },
  { call: "fd_install", args: [{ ...aFile, path: "" }], want: [1007, 99] },
];
for (const { call, args, want } of calls) {
  test(`${call} of ${JSON.stringify(args, (_, value) => (typeof value === "bigint" ? "n" : value)).slice(0, 60)} is ${want}`, () => {
    const { class_uid, activity_id } = valid(aHook(call, args));
    assert.deepEqual([class_uid, activity_id], want);
  });
}

test("a connection has its ends", () => {
  const { src_endpoint, dst_endpoint, connection_info, actor } = valid(
    aHook("tcp_connect", [aSock]),
  );
  assert.deepEqual(src_endpoint, { ip: "10.0.0.1", port: 40000 });
  assert.deepEqual(dst_endpoint, { ip: "10.0.0.2", port: 443 });
  assert.deepEqual(connection_info, { direction_id: 0, protocol_name: "tcp" });
  assert.equal(actor.process.pid, 201);
});

test("what was left out is a base event with its number", () => {
  const { class_uid, message, unmapped } = valid(droppedEvent(3, 1_700_000_000_000));
  assert.deepEqual(
    [class_uid, message, unmapped.number_of_dropped_process_events],
    [0, "3 events were left out", 3],
  );
});

test("the schema refuses what it does not know, and what is missing", () => {
  const { process: _, ...said } = valid(events.cat);
  const check = checks.get("process_activity")!;
  assert.equal(check.Check(said), false);
  assert.equal(check.Check({ ...valid(events.cat), command: "x" }), false);
  assert.equal(check.Check({ ...valid(events.cat), severity_id: 50 }), false);
});

test("text of others breaks no line, and no schema", () => {
  const odd = 'a\n\u001b[31m\u2028"\ufffd';
  const process = events.curl.process!;
  const image = { ...process.image, binary: `/x/${odd}`, arguments: odd, cwd: odd };
  valid({ ...events.curl, process: { ...process, image } });
  valid(aHook("fd_install", [{ ...aFile, path: `/${odd}` }]));
});
