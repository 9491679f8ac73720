import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../../../policy/ip.ts";
import type { HookArg } from "../../args/index.ts";
import { enums, layout } from "../../gen/layout.ts";
import type { HookInfo } from "../../kernel/hook-info.ts";
import { bytesOf } from "../../layout/struct.ts";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { ExecRecord, ExitRecord, HookRecord } from "../../records/kernel-record.ts";
import {
  bufferArg,
  execRecord,
  exitRecord,
  fdArg,
  fileArg,
  hookRecord,
  intArg,
  pathPayload,
  rawArg,
  sizeArg,
} from "../../records/testing-records.ts";
import type { PodContainer } from "../../scope/pod-container.ts";
import { droppedEvent, execEvent, exitEvent, hookEvent } from "../event.ts";
import { createSaidInBoth } from "../testing/said-in-both.ts";
import { createJsonLine } from "./json-lines.ts";
import { createLineEncoder } from "./lines.ts";

const bootNs = BigInt(Date.parse("2022-10-07T09:14:04Z")) * 1_000_000n;
const said = { nodeName: "n1", bootToWallNs: (ns: bigint) => ns + bootNs };
const lines = createLineEncoder(createJsonLine(said));
const lineOf = createSaidInBoth(said);

const xwing: PodContainer = {
  pod: {
    ...{ namespace: "default", name: "xwing", uid: "u-1", workload: "xwing", workloadKind: "Pod" },
    labels: { org: "alliance", "app.kubernetes.io/name": "xwing", class: "xwing" },
  },
  container: {
    id: "containerd://4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51",
    name: "spaceship",
    image: { id: "docker.io/tgraf/netperf@sha256:8e86", name: "docker.io/tgraf/netperf:latest" },
    startTime: "2022-10-07T09:18:24Z",
    privileged: false,
  },
};

const info: HookInfo = {
  policy: { kind: "TracingPolicy", name: "deny" },
  event: "process_kprobe",
  functionName: "__x64_sys_write",
  args: [
    { index: 0, type: "fd" },
    { index: 1, type: "char_buf" },
    { index: 2, type: "size_t", label: "len" },
  ],
};

function runcAndBash() {
  const tree = new ProcessTree(() => 0);
  const exec = (record: Buffer) => tree.exec(decodeRecord(record, 0) as ExecRecord);
  const runc = exec(
    execRecord({
      ...{ process: { pid: 13594, ktime: 1294195462578n }, parent: { pid: 6246, ktime: 25n } },
      ...{ filename: "/usr/bin/runc", args: ["runc", "--root", "/run"], cwd: "/run/k8s" },
    }),
  );
  const bash = exec(
    execRecord({
      ...{ process: { pid: 13604, ktime: 1294220230879n }, parent: runc.key, nspid: 66, flags: 9 },
      ...{ filename: "/bin/bash", args: ["bash"], cwd: "", cgroupId: 5n },
      cgroup: "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51",
    }),
  );
  tree.assign(bash, xwing);
  return { tree, runc, bash };
}

test("an exec in a pod has upstream's shape, members in upstream's order", () => {
  const { bash } = runcAndBash();
  const line = lineOf(execEvent(bash, 1294220230879n));
  const want = {
    process_exec: {
      process: {
        exec_id: "bjE6MTI5NDIyMDIzMDg3OToxMzYwNA==",
        pid: 13604,
        uid: 0,
        cwd: "/",
        binary: "/bin/bash",
        flags: "execve rootcwd clone",
        start_time: "2022-10-07T09:35:38.220230879Z",
        auid: 4294967295,
        pod: {
          namespace: "default",
          name: "xwing",
          uid: "u-1",
          container: {
            id: "containerd://4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51",
            name: "spaceship",
            image: {
              id: "docker.io/tgraf/netperf@sha256:8e86",
              name: "docker.io/tgraf/netperf:latest",
            },
            start_time: "2022-10-07T09:18:24Z",
            pid: 66,
            security_context: {},
          },
          pod_labels: { "app.kubernetes.io/name": "xwing", class: "xwing", org: "alliance" },
          workload: "xwing",
          workload_kind: "Pod",
        },
        docker: "4cb1e9a1ab98044e789c2d426909a6e",
        parent_exec_id: "bjE6MTI5NDE5NTQ2MjU3ODoxMzU5NA==",
        refcnt: 1,
        tid: 13604,
        in_init_tree: false,
      },
      parent: {
        exec_id: "bjE6MTI5NDE5NTQ2MjU3ODoxMzU5NA==",
        pid: 13594,
        uid: 0,
        cwd: "/run/k8s",
        binary: "/usr/bin/runc",
        arguments: "--root /run",
        flags: "execve clone",
        start_time: "2022-10-07T09:35:38.195462578Z",
        auid: 4294967295,
        parent_exec_id: "bjE6MjU6NjI0Ng==",
        refcnt: 2,
        tid: 13594,
        in_init_tree: false,
      },
    },
    node_name: "n1",
    time: "2022-10-07T09:35:38.220230879Z",
  };
  assert.equal(line, `${JSON.stringify(want)}\n`);
});

test("docker is the pod's container, whatever the process's own cgroup is called", () => {
  const { bash } = runcAndBash();
  const image = { ...bash.image, docker: "b".repeat(31) };
  const docker = (container: PodContainer | undefined) => {
    const line = lineOf(execEvent({ ...bash, image, container }, 1n));
    return JSON.parse(line).process_exec.process.docker;
  };
  assert.equal(docker(xwing), "4cb1e9a1ab98044e789c2d426909a6e");
  assert.equal(docker({ pod: xwing.pod }), "b".repeat(31));
  assert.equal(docker(undefined), "b".repeat(31));
});

test("no text of others is an escape, a line end or an invisible character in a line", () => {
  const odd = fc.constantFrom(
    ...[
      "\u007f",
      "\u0085",
      "\u009b31m",
      "\u2028",
      "\u2029",
      "\u202e",
      "\u2066",
      "\ufeff",
      "\u200b",
    ],
    ...["\u{e0041}", "\u001b]0;x\u0007", "\r\n", "\ud800", '"', "\\", "a", "ä", "😀"],
  );
  const text = fc.array(odd).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (odd) => {
      const { bash } = runcAndBash();
      const process = {
        ...bash,
        image: { ...bash.image, binary: odd, arguments: odd, cwd: odd, flags: odd },
        container: {
          pod: { ...xwing.pod, namespace: odd, name: odd, labels: { [odd]: odd } },
          container: { ...xwing.container!, name: odd },
        },
      };
      const record = decodeRecord(hookRecord({ args: [] }), 0) as HookRecord;
      const args: HookArg[] = [{ type: "file", mode: 0, path: odd, cut: false, deleted: false }];
      const hook = { ...info, message: odd, tags: [odd] };
      const line = lineOf({ ...hookEvent(process, record, hook), args });
      assert.match(line, /^[^\p{C}\p{Zl}\p{Zp}]+\n$/u);
      const { process_kprobe: kprobe } = JSON.parse(line);
      const { binary = "", arguments: words = "", cwd = "", pod } = kprobe.process;
      const seen = [binary, words, cwd, pod.namespace, pod.container.name, pod.pod_labels[odd]];
      assert.deepEqual(seen, Array(seen.length).fill(odd));
      assert.deepEqual(kprobe.args[0].file_arg.path ?? "", odd);
      assert.deepEqual([kprobe.message ?? "", kprobe.tags], [odd, [odd]]);
    }),
  );
});

test("a process is shown as it is when its container or its image became another", () => {
  const { tree, bash } = runcAndBash();
  const shown = () =>
    JSON.parse(lineOf(execEvent(bash, 1n))).process_exec.process as {
      readonly binary: string;
      readonly pod?: { readonly name: string };
    };
  assert.equal(shown().pod?.name, "xwing");
  tree.assign(bash, { ...xwing, pod: { ...xwing.pod, name: "ywing" } });
  assert.equal(shown().pod?.name, "ywing");
  const again = execRecord({ process: bash.key, filename: "/bin/dash" });
  tree.exec(decodeRecord(again, 0) as ExecRecord);
  assert.deepEqual([shown().binary, shown().pod], ["/bin/dash", undefined]);
});

const endings: readonly { name: string; code: number; want: object }[] = [
  { name: "status 0 shows neither", code: 0, want: {} },
  { name: "a status is shown as it is", code: 3 << 8, want: { status: 3 } },
  {
    name: "a signal is named, without its core dump",
    code: 0x80 | 11,
    want: { signal: "SIGSEGV" },
  },
  { name: "SIGABRT is not called SIGIOT", code: 6, want: { signal: "SIGABRT" } },
  { name: "a real-time signal has no name", code: 40, want: {} },
];
for (const { name, code, want } of endings) {
  test(`an exit: ${name}`, () => {
    const event = decodeRecord(exitRecord({ process: { pid: 9, ktime: 1_000n }, code }), 0);
    const { process_exit, time } = JSON.parse(lineOf(exitEvent(undefined, event as ExitRecord)));
    const process = { pid: 9, start_time: "2022-10-07T09:14:04.000001Z" };
    assert.deepEqual(process_exit, { process, ...want, time: "2022-10-07T09:14:04.000003Z" });
    assert.equal(time, process_exit.time);
  });
}

test("an event of an LSM hook is upstream's process_lsm, with the hook's own name", () => {
  const record = decodeRecord(hookRecord({ args: [], action: 5 }), 0) as HookRecord;
  const { args: _, ...hook } = {
    ...info,
    event: "process_lsm",
    functionName: "file_open",
  };
  const line = JSON.parse(lineOf(hookEvent(undefined, record, { ...hook, args: [] })));
  const { function_name, action, policy_name } = line.process_lsm;
  assert.deepEqual(
    { function_name, action, policy_name },
    { function_name: "file_open", action: "KPROBE_ACTION_OVERRIDE", policy_name: "deny" },
  );
});

test("what was done when the call had returned is return_action, where that could be told", () => {
  const lineFor = (...args: readonly Buffer[]) => {
    const record = decodeRecord(hookRecord({ args }), 0) as HookRecord;
    const returned = { type: "int" } as const;
    const returnActions = [enums.action_code.ACTION_SIGKILL];
    const hook: HookInfo = { ...info, returned, returnActions };
    return lineOf(hookEvent(undefined, record, hook));
  };
  const returned = rawArg(enums.arg_type.ARG_INT, Buffer.from("feffffffffffffff", "hex"), 4);
  assert.equal(
    JSON.parse(lineFor(fdArg("/tmp/x"), returned)).process_kprobe.return_action,
    "KPROBE_ACTION_SIGKILL",
  );
  assert.equal(JSON.parse(lineFor(fdArg("/tmp/x"))).process_kprobe.return_action, undefined);
});

test("what a call returned is behind its arguments, as return; where nobody could tell it is not there", () => {
  const of = (args: readonly Buffer[]) => {
    const record = decodeRecord(hookRecord({ args }), 0) as HookRecord;
    const hook = { ...info, args: info.args.slice(0, 1), returned: { type: "int", label: "fd" } };
    return lineOf(hookEvent(undefined, record, hook as HookInfo));
  };
  const returned = rawArg(enums.arg_type.ARG_INT, Buffer.from("feffffffffffffff", "hex"), 4);
  const line = of([fdArg("/tmp/x"), returned]);
  assert.match(
    line,
    /"args":\[\{"file_arg".*\}\],"return":\{"int_arg":-2,"label":"fd"\},"action":/,
  );
  assert.deepEqual(JSON.parse(of([fdArg("/tmp/x")])).process_kprobe.return, undefined);
});

test("an event of a uprobe is upstream's process_uprobe, with file and function", () => {
  const { tree } = runcAndBash();
  const names = { path: "/bin/bash", symbol: "readline", offset: 64, ref_ctr_offset: 8 };
  const reported = { event: "process_uprobe", functionName: "readline", names };
  const process = { pid: 13604, ktime: 1294220230879n };
  const record = decodeRecord(hookRecord({ process, tid: 13604 }), 0) as HookRecord;
  const line = lineOf(hookEvent(tree.find(process), record, { ...info, ...reported }));
  const { process: _, parent: __, ...rest } = JSON.parse(line).process_uprobe;
  const numbers = { offset: "64", ref_ctr_offset: "8" };
  assert.deepEqual(rest, {
    ...names,
    ...numbers,
    action: "KPROBE_ACTION_POST",
    policy_name: "deny",
  });
});

test("an event of a tracepoint is upstream's process_tracepoint, with subsystem and event", () => {
  const record = decodeRecord(hookRecord({ args: [], action: 3 }), 0) as HookRecord;
  const names = { subsys: "task", event: "task_rename" };
  const reported = { event: "process_tracepoint", functionName: "task/task_rename", names };
  const hook = { ...info, ...reported, args: [] };
  const line = JSON.parse(lineOf(hookEvent(undefined, record, hook)));
  const { subsys, event, action, policy_name, ...rest } = line.process_tracepoint;
  assert.deepEqual(
    { subsys, event, action, policy_name },
    { ...names, action: "KPROBE_ACTION_SIGKILL", policy_name: "deny" },
  );
  assert.equal(rest.function_name, undefined);
});

test("a hook event has its function, arguments, action and policy", () => {
  const { tree } = runcAndBash();
  const event = decodeRecord(
    hookRecord({
      ...{ process: { pid: 13604, ktime: 1294220230879n }, tid: 13605, action: 3 },
      args: [fdArg("/tmp/x"), bufferArg(2, "hi"), sizeArg(2)],
    }),
    0,
  ) as HookRecord;
  const hook = { ...info, message: "m", tags: ["t"] };
  const line = lineOf(hookEvent(tree.find(event.process), event, hook));
  const { process_kprobe } = JSON.parse(line);
  assert.equal(process_kprobe.process.tid, 13605);
  assert.equal(process_kprobe.parent.tid, 13594);
  const { process: _, parent: __, ...rest } = process_kprobe;
  assert.deepEqual(rest, {
    function_name: "__x64_sys_write",
    args: [
      { file_arg: { path: "/tmp/x", permission: "-rw-r--r--" } },
      { bytes_arg: "aGk=" },
      { size_arg: "2", label: "len" },
    ],
    action: "KPROBE_ACTION_SIGKILL",
    policy_name: "deny",
    message: "m",
    tags: ["t"],
  });
});

const sockArg = (values: Parameters<typeof bytesOf<typeof layout.sock_payload>>[1]) =>
  rawArg(enums.arg_type.ARG_SOCK, bytesOf(layout.sock_payload, values));

const moduleArg = (
  type: number,
  values: Parameters<typeof bytesOf<typeof layout.module_payload>>[1],
  name: string,
) => rawArg(type, Buffer.concat([bytesOf(layout.module_payload, values), Buffer.from(name)]));

const argCases: readonly { name: string; arg: Buffer; want: object }[] = [
  { name: "int", arg: intArg(0), want: { int_arg: 0 } },
  {
    name: "uint32",
    arg: rawArg(enums.arg_type.ARG_UINT32, Buffer.alloc(8, 255)),
    want: { uint_arg: 4294967295 },
  },
  {
    name: "int64",
    arg: rawArg(enums.arg_type.ARG_INT64, Buffer.alloc(8, 255)),
    want: { long_arg: "-1" },
  },
  {
    name: "uint64",
    arg: rawArg(enums.arg_type.ARG_UINT64, Buffer.alloc(8, 255)),
    want: { size_arg: "18446744073709551615" },
  },
  {
    name: "a file that is gone and whose path was cut",
    arg: fileArg("x/y", 0o104755, 3),
    want: {
      file_arg: {
        path: "x/y (deleted)",
        flags: "unresolvedPathComponents",
        permission: "-rwsr-xr-x",
      },
    },
  },
  { name: "an empty buffer", arg: bufferArg(0, ""), want: { bytes_arg: "" } },
  {
    name: "a longer buffer than was read",
    arg: bufferArg(5000, "hi"),
    want: { truncated_bytes_arg: { bytes_arg: "aGk=", orig_size: "5000" } },
  },
  {
    name: "a text, which may be odd",
    arg: rawArg(enums.arg_type.ARG_STRING, Buffer.from([0x61, 0x22, 0xff, 0x0a])),
    want: { string_arg: 'a"\ufffd\n' },
  },
  {
    name: "an empty text",
    arg: rawArg(enums.arg_type.ARG_STRING, Buffer.alloc(0)),
    want: { string_arg: "" },
  },
  {
    name: "8 bits with a sign",
    arg: rawArg(enums.arg_type.ARG_INT8, Buffer.alloc(8, 255)),
    want: { int_arg: -1 },
  },
  {
    name: "16 bits",
    arg: rawArg(enums.arg_type.ARG_UINT16, Buffer.from([255, 255, 0, 0, 0, 0, 0, 0])),
    want: { uint_arg: 65535 },
  },
  {
    name: "a connected socket",
    arg: sockArg({
      ...{ cookie: 0xffff888003920000n, family: 10, type: 1, protocol: 6, state: 2, mark: 3 },
      ...{ saddr: parseIp("2001:db8::1")!, daddr: parseIp("::ffff:10.0.0.1")!, dport: 443 },
      ...{ priority: 4, sport: 40000 },
    }),
    want: {
      sock_arg: {
        ...{ family: "AF_INET6", type: "SOCK_STREAM", protocol: "IPPROTO_TCP" },
        ...{ mark: 3, priority: 4, saddr: "2001:db8::1", daddr: "::ffff:10.0.0.1" },
        ...{ sport: 40000, dport: 443, cookie: "18446612682129932288", state: "TCP_SYN_SENT" },
      },
    },
  },
  {
    name: "a socket of no network",
    arg: sockArg({ family: 200, type: 10, protocol: 58, state: 13, cookie: 1n }),
    want: {
      sock_arg: {
        ...{ family: "200", type: "10", protocol: "58", saddr: "invalid IP" },
        ...{ daddr: "invalid IP", cookie: "1", state: "13" },
      },
    },
  },
  {
    name: "an address",
    arg: rawArg(
      enums.arg_type.ARG_SOCKADDR,
      bytesOf(layout.sockaddr_payload, { family: 2, port: 53, address: [10, 0, 0, 1] }),
    ),
    want: { sockaddr_arg: { family: "AF_INET", addr: "10.0.0.1", port: 53 } },
  },
  {
    name: "a packet",
    arg: rawArg(
      enums.arg_type.ARG_SKB,
      bytesOf(layout.skb_payload, {
        ...{ hash: 1, len: 60, family: 2, protocol: 17, sport: 53, dport: 40000 },
        ...{ saddr: [10, 0, 0, 1], daddr: [10, 0, 0, 2] },
      }),
    ),
    want: {
      skb_arg: {
        ...{ hash: 1, len: 60, saddr: "10.0.0.1", daddr: "10.0.0.2", sport: 53, dport: 40000 },
        ...{ proto: 17, protocol: "IPPROTO_UDP", family: "AF_INET" },
      },
    },
  },
  {
    name: "a network device",
    arg: rawArg(enums.arg_type.ARG_NET_DEVICE, Buffer.from("eth0")),
    want: { string_arg: "eth0" },
  },
  {
    name: "a path",
    arg: rawArg(enums.arg_type.ARG_PATH, pathPayload(0o120777, "/x")),
    want: { path_arg: { path: "/x", permission: "lrwxrwxrwx" } },
  },
  {
    name: "what is executed",
    arg: rawArg(enums.arg_type.ARG_LINUX_BINPRM, pathPayload(0o104755, "/bin/x")),
    want: { linux_binprm_arg: { path: "/bin/x", permission: "-rwsr-xr-x" } },
  },
  {
    name: "what a process called a file",
    arg: rawArg(enums.arg_type.ARG_FILENAME, Buffer.from("../x")),
    want: { string_arg: "../x" },
  },
  {
    name: "a set of capabilities",
    arg: rawArg(enums.arg_type.ARG_CAP_EFFECTIVE, Buffer.from([0, 0, 0x20, 0, 1, 0, 0, 0])),
    want: { cap_effective_arg: "0000000100200000" },
  },
  {
    name: "a capability",
    arg: rawArg(enums.arg_type.ARG_CAPABILITY, Buffer.from([21, 0, 0, 0, 0, 0, 0, 0])),
    want: { capability_arg: { value: 21, name: "CAP_SYS_ADMIN" } },
  },
  {
    name: "a capability that has no name",
    arg: rawArg(enums.arg_type.ARG_CAPABILITY, Buffer.from([63, 0, 0, 0, 0, 0, 0, 0])),
    want: { capability_arg: { value: 63 } },
  },
  {
    name: "credentials",
    arg: rawArg(
      enums.arg_type.ARG_CRED,
      bytesOf(layout.cred_payload, {
        ...{ uid: 0, gid: 1, euid: 2, egid: 3, suid: 4, sgid: 5, fsuid: 6, fsgid: 7 },
        ...{ permitted: 3n, effective: 1n << 39n, securebits: 0b10001 },
        user_ns: { level: 1, uid: 1000, gid: 0, inum: 4026531837 },
      }),
    ),
    want: {
      process_credentials_arg: {
        ...{ uid: 0, gid: 1, euid: 2, egid: 3, suid: 4, sgid: 5, fsuid: 6, fsgid: 7 },
        securebits: ["SecBitNoRoot", "SecBitKeepCaps"],
        caps: { permitted: ["CAP_CHOWN", "DAC_OVERRIDE"], effective: ["CAP_BPF"] },
        user_ns: { level: 1, uid: 1000, gid: 0, ns: { inum: 4026531837 } },
      },
    },
  },
  {
    name: "the host's user namespace",
    arg: rawArg(
      enums.arg_type.ARG_USER_NAMESPACE,
      bytesOf(layout.user_namespace_payload, { inum: 4026531837 }),
    ),
    want: {
      user_ns_arg: { level: 0, uid: 0, gid: 0, ns: { inum: 4026531837, is_host: true } },
    },
  },
  {
    name: "a module",
    arg: moduleArg(enums.arg_type.ARG_MODULE, { taints: 0x3000n }, "dummy"),
    want: {
      module_arg: {
        name: "dummy",
        tainted: ["TAINT_OUT_OF_TREE_MODULE", "TAINT_UNSIGNED_MODULE"],
      },
    },
  },
  {
    name: "a module that is loaded, with a wrong signature",
    arg: moduleArg(enums.arg_type.ARG_LOAD_INFO, { signature: 1 }, "dummy"),
    want: { module_arg: { name: "dummy", signature_ok: false } },
  },
  {
    name: "an error",
    arg: rawArg(enums.arg_type.ARG_ERROR, Buffer.from([14, 0, 0, 0])),
    want: { error_arg: { Message: "argument could not be read: EFAULT" } },
  },
];
for (const { name, arg, want } of argCases) {
  test(`an argument: ${name}`, () => {
    const event = decodeRecord(hookRecord({ args: [arg] }), 0) as HookRecord;
    const line = lineOf(hookEvent(undefined, event, info));
    assert.deepEqual(JSON.parse(line).process_kprobe.args, [want]);
  });
}

test("a process that tracking does not know is shown as unknown", () => {
  const event = decodeRecord(hookRecord({ flags: 2, action: 77 }), 0) as HookRecord;
  const { process_kprobe } = JSON.parse(lineOf(hookEvent(undefined, event, info)));
  const process = { pid: 100, flags: "unknown", start_time: "2022-10-07T09:14:04.000001Z" };
  assert.deepEqual(process_kprobe, {
    ...{ process, function_name: "__x64_sys_write", action: 77, policy_name: "deny" },
  });
});

test("a reader that was too slow is told how many events it missed, and when", () => {
  const atMs = Date.parse("2022-10-07T09:14:04.5Z");
  assert.equal(
    lineOf(droppedEvent(7, atMs)),
    '{"rate_limit_info":{"number_of_dropped_process_events":"7"},"node_name":"n1","time":"2022-10-07T09:14:04.500Z"}\n',
  );
});

test("an event is encoded once, whoever asks and in whichever company", () => {
  const { bash, runc } = runcAndBash();
  const events = [execEvent(runc, 1n), execEvent(bash, 2n)];
  const batch = lines.encode(events);
  assert.equal(lines.encode(events), batch, "two sinks share it");
  const { json } = events[1]!;
  assert.equal(lines.encode(events.slice(1)).lines.toString(), json);
  assert.equal(batch.lines.toString(), events.map(({ json }) => json).join(""));
  assert.equal(batch.count, 2);
});

test("what an event says does not change with the process that it is about", () => {
  const { tree, bash } = runcAndBash();
  const event = execEvent(bash, 1n);
  const again = execRecord({ process: bash.key, filename: "/bin/dash" });
  tree.exec(decodeRecord(again, 0) as ExecRecord);
  tree.exit(bash.key);
  const { process } = JSON.parse(lineOf(event)).process_exec;
  assert.deepEqual([process.binary, process.pod.name, process.refcnt], ["/bin/bash", "xwing", 1]);
});
