import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { growth } from "../../test/growth.ts";
import { parsePolicies } from "../parse.ts";
import {
  aKprobePolicy,
  anExecPolicy,
  aTracingPolicy,
  lowered,
  problemsOf,
} from "../testing/a-policy.ts";
import { describeHookPoint } from "./hooks/index.ts";
import { lower } from "./index.ts";

function lowerExample(name: string) {
  const url = new URL(`../../config/examples/${name}.yaml`, import.meta.url);
  const result = parsePolicies(readFileSync(url, "utf8"), name).policies[0]?.result;
  assert.ok(result?.ok);
  const { warnings: _warnings, ...without } = lower(result.value);
  return without;
}

test("a selector may have several signals, and several descriptors that it follows or no longer does", () => {
  const matchActions = [
    ...[{ action: "Signal", argSig: 12 }, { action: "Sigkill" }, { action: "Signal", argSig: 12 }],
    ...[
      { action: "FollowFD", argFd: 0, argName: 1 },
      { action: "FollowFD", argFd: 0, argName: 2 },
    ],
  ];
  const args = [
    { index: 0, type: "int" },
    { index: 1, type: "file" },
    { index: 2, type: "file" },
  ];
  const policy = aKprobePolicy({
    ...{ call: "fd_install", syscall: false, args },
    selectors: [{ matchActions }],
  });
  assert.deepEqual(lowered(policy).hooks[0]!.selectors[0]!.actions, [
    ...[{ action: "Signal", signal: 12 }, { action: "Sigkill" }, { action: "Signal", signal: 12 }],
    ...[
      { action: "FollowFD", fd: 0, name: 1 },
      { action: "FollowFD", fd: 0, name: 2 },
    ],
  ]);
});

test("the window of Aggregate is a minute where the policy does not say", () => {
  const windows = [{}, { window: 3600 }].map((window) => {
    const matchActions = [{ action: "Aggregate", ...window }];
    return lowered(aKprobePolicy({ selectors: [{ matchActions }] })).hooks[0]!;
  });
  assert.deepEqual(
    windows.map(({ selectors }) => selectors[0]!.actions),
    [[{ action: "Aggregate", window: 60 }], [{ action: "Aggregate", window: 3600 }]],
  );
});

test("an LSM hook is what it is on, and its decision can be overridden", () => {
  const policy = aTracingPolicy({
    lsmhooks: [
      {
        hook: "file_open",
        args: [{ index: 0, type: "file" }],
        message: "opened",
        selectors: [{ matchActions: [{ action: "Override", argError: -1 }] }],
      },
    ],
  });
  assert.deepEqual(lowered(policy).hooks, [
    {
      on: { kind: "lsm", hook: "file_open" },
      args: [{ index: 0, type: "file" }],
      selectors: [{ conditions: [], actions: [{ action: "Override", error: 1 }] }],
      message: "opened",
    },
  ]);
  const tenants = aTracingPolicy({ lsmhooks: [{ hook: "bprm_check_security" }] }, "shop");
  assert.deepEqual(problemsOf(tenants), []);
});

test("each place of a uprobe is a hook, with what the file must be", () => {
  const policy = aTracingPolicy({
    uprobes: [
      {
        path: "/bin/bash",
        symbols: ["readline", "main+0x10", "main+020", "main+0"],
        refCtrOffsets: [0, 8, 8, 0],
        binaryDigests: [` SHA1:${"AB".repeat(20)}`, "build-id:0a1b", "build-id:0A1B"],
        args: [{ index: 0, type: "string" }],
        selectors: [{ matchActions: [{ action: "Override", argError: -1 }] }],
        tags: ["shell"],
      },
      { path: "/lib/libc.so.6", offsets: [4096] },
      { path: "/lib/libc.so.6", addrs: [0, 8192] },
    ],
  });
  const rest = {
    args: [{ index: 0, type: "string" }],
    selectors: [{ conditions: [], actions: [{ action: "Override", error: 1 }] }],
    tags: ["shell"],
  };
  const digests = `build-id:0a1b sha1:${"ab".repeat(20)}`;
  const shell = { kind: "uprobe", path: "/bin/bash" };
  const libc = { kind: "uprobe", path: "/lib/libc.so.6" };
  const { hooks } = lowered(policy);
  assert.deepEqual(hooks, [
    { on: { ...shell, symbol: "readline", digests }, ...rest },
    { on: { ...shell, symbol: "main", offset: 16, refCtrOffset: 8, digests }, ...rest },
    { on: { ...shell, symbol: "main", digests }, ...rest },
    { on: { ...libc, offset: 4096 }, args: [], selectors: [] },
    { on: { ...libc, address: 0 }, args: [], selectors: [] },
    { on: { ...libc, address: 8192 }, args: [], selectors: [] },
  ]);
  assert.deepEqual(
    hooks.map(({ on }) => describeHookPoint(on)),
    [
      ...["/bin/bash:readline", "/bin/bash:main+0x10", "/bin/bash:main"],
      ...["/lib/libc.so.6:offset 0x1000", "/lib/libc.so.6:address 0x0"],
      "/lib/libc.so.6:address 0x2000",
    ],
  );
});

test("a probe of a program is what it is on, and its arguments are counted as it has them", () => {
  const policy = aTracingPolicy({
    usdts: [
      {
        ...{ path: "/usr/bin/node", provider: "node", name: "gc__start" },
        args: [{ index: 4, type: "int32" }],
      },
    ],
  });
  const [hook] = lowered(policy).hooks;
  const on = { kind: "usdt", path: "/usr/bin/node", provider: "node", name: "gc__start" };
  assert.deepEqual(hook, { on, args: [{ index: 4, type: "int" }], selectors: [] });
  assert.equal(describeHookPoint(hook!.on), "/usr/bin/node:node:gc__start");
});

test("the rate limit of Post is in seconds, of a thread where the policy does not say", () => {
  const limits = [
    { rateLimit: "5" },
    { rateLimit: "2m", rateLimitScope: "Process" },
    { rateLimit: "1h", rateLimitScope: "global" },
    {},
    { rateLimit: "0s" },
    { rateLimit: "2000h" },
  ];
  const posts = limits.map((limit) => {
    const matchActions = [{ action: "Post", ...limit }];
    return lowered(aKprobePolicy({ selectors: [{ matchActions }] })).hooks[0]!.selectors[0]!
      .actions;
  });
  assert.deepEqual(posts.flat(), [
    { action: "Post", every: 5, per: "thread" },
    { action: "Post", every: 120, per: "process" },
    { action: "Post", every: 3600, per: "global" },
    { action: "Post" },
    { action: "Post" },
    { action: "Post", every: 4_294_967, per: "thread" },
  ]);
});

test("a list is a hook for each of its calls, a generated one a hook on many functions", () => {
  const policy = aTracingPolicy({
    lists: [
      { name: "calls", type: "syscalls", values: ["sys_read", "__x64_sys_write", "sys_read"] },
      { name: "functions", values: ["fd_install", "tcp_connect"] },
      { name: "all", type: "generated_syscalls" },
      { name: "ksys", type: "generated_ftrace", pattern: "^ksys_*" },
    ],
    kprobes: ["calls", "functions", "all", "ksys"].map((name) => ({
      ...{ call: `list:${name}`, message: "of a list" },
    })),
  });
  const { hooks } = lowered(policy);
  assert.deepEqual(
    hooks.map(({ on }) => on),
    [
      { kind: "kprobe", call: "sys_read", syscall: true },
      { kind: "kprobe", call: "sys_write", syscall: true },
      { kind: "kprobe", call: "fd_install", syscall: false },
      { kind: "kprobe", call: "tcp_connect", syscall: false },
      { kind: "functions" },
      { kind: "functions", pattern: "^ksys_*" },
    ],
  );
  assert.ok(hooks.every(({ message }) => message === "of a list"));
});

test("GetUrl and DnsLookup have an address and a name as everybody writes them", () => {
  const matchActions = [
    { action: "GetUrl", argUrl: "HTTP://Trap.Example.org" },
    { action: "DnsLookup", argFqdn: "Trap.Example.org." },
  ];
  const { hooks } = lowered(aKprobePolicy({ selectors: [{ matchActions }] }));
  assert.deepEqual(hooks[0]?.selectors[0]?.actions, [
    { action: "GetUrl", url: "http://trap.example.org/" },
    { action: "DnsLookup", fqdn: "trap.example.org" },
  ]);
});

test("macros are written out in the selectors that name them", () => {
  const matchPIDs = [{ operator: "In", values: [1] }];
  const matchBinaries = [{ operator: "In", values: ["/bin/sh"] }];
  const matchActions = [{ action: "Sigkill" }];
  const of = (selector: object, selectorsMacros?: object) =>
    lowered(
      aTracingPolicy({
        ...{ kprobes: [{ call: "sys_write", selectors: [selector] }] },
        ...(selectorsMacros && { selectorsMacros }),
      }),
    );
  assert.deepEqual(
    of(
      { macros: ["who", "what"], matchPIDs, matchActions: [] },
      { who: { matchBinaries }, what: { matchActions } },
    ),
    of({ matchPIDs, matchBinaries, matchActions }),
  );
});

test("fentries are hooks as kprobes are", () => {
  const entry = {
    call: "security_file_open",
    syscall: false,
    args: [{ index: 0, type: "file" }],
    selectors: [{ matchActions: [{ action: "Sigkill" }] }],
  };
  assert.deepEqual(
    lowered(aTracingPolicy({ fentries: [entry] })),
    lowered(aTracingPolicy({ kprobes: [entry] })),
  );
});

test("what a call returns is read as returnArg says, and compared by matchReturnArgs", () => {
  const match = (operator: string, values: readonly string[]) => ({ index: 0, operator, values });
  const policy = aKprobePolicy({
    ...{ call: "sys_openat", return: true, returnArg: { index: 0, type: "sint32", label: "fd" } },
    selectors: [
      { matchReturnArgs: [match("NotEqual", ["0x10", "3"]), match("Equal", ["-2"])] },
      { matchActions: [{ action: "Sigkill" }] },
    ],
  });
  const [hook] = lowered(policy).hooks;
  assert.deepEqual(hook?.returned, { type: "int", label: "fd" });
  assert.deepEqual(
    hook.selectors.map(({ returned }) => returned),
    [
      [
        { op: "Equal", values: ["-2"] },
        { op: "NotEqual", values: ["3", "16"] },
      ],
      undefined,
    ],
  );
});

test("matchReturnActions are done when the call has returned", () => {
  const policy = aKprobePolicy({
    ...{ call: "sys_openat", return: true, returnArg: { index: 0, type: "int" } },
    selectors: [
      {
        matchActions: [{ action: "NoPost" }],
        matchReturnActions: [{ action: "Signal", argSig: 10 }, { action: "Post" }],
      },
    ],
  });
  const [hook] = lowered(policy).hooks;
  assert.deepEqual(hook?.selectors, [
    {
      ...{ conditions: [], actions: [{ action: "NoPost" }] },
      returnActions: [{ action: "Signal", signal: 10 }, { action: "Post" }],
    },
  ]);
});

test("a raw tracepoint is named by its event, and reads the event's own parameters", () => {
  const policy = aTracingPolicy({
    tracepoints: [
      {
        ...{ subsystem: "sched", event: "sched_process_exec", raw: true },
        args: [{ index: 2, type: "linux_binprm", label: "image" }],
        selectors: [{ matchActions: [{ action: "Sigkill" }] }],
      },
    ],
  });
  assert.deepEqual(lowered(policy).hooks, [
    {
      on: { kind: "rawTracepoint", subsystem: "sched", event: "sched_process_exec" },
      args: [{ index: 2, type: "linux_binprm", label: "image" }],
      selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }],
    },
  ]);
});

test("a socket that is returned is tracked as returnArgAction says", () => {
  const policy = aKprobePolicy({
    ...{ call: "inet_csk_accept", syscall: false, return: true },
    ...{ returnArg: { index: 0, type: "sock" }, returnArgAction: "tracksock" },
  });
  assert.deepEqual(lowered(policy).hooks[0]?.returned, { type: "sock", action: "TrackSock" });
});

test("a tracepoint reads fields by their number in its format file, as the node finds them", () => {
  const event = { subsystem: "syscalls", event: "sys_enter_write" };
  const policy = aTracingPolicy({
    tracepoints: [
      {
        ...event,
        args: [{ index: 5 }, { index: 6, sizeArgIndex: 8 }, { index: 7, type: "size_t" }],
      },
    ],
  });
  assert.deepEqual(lowered(policy).hooks, [
    {
      on: { kind: "tracepoint", ...event },
      args: [
        { index: 5, type: "uint64", byFormat: true },
        { index: 6, type: "uint64", byFormat: true, sizeArgIndex: 8 },
        { index: 7, type: "size_t" },
      ],
      selectors: [],
    },
  ]);
  assert.deepEqual(problemsOf(aTracingPolicy({ tracepoints: [event] }, "shop")), []);
});

test("with callNotFound a hook may be missing, also by a name that nobody knows yet", () => {
  const policy = aTracingPolicy({
    kprobes: ["sys_lseek", "sys_of_tomorrow"].map((call) => ({
      ...{ call, ignore: { callNotFound: true } },
    })),
  });
  assert.deepEqual(
    lowered(policy).hooks.map(({ on, mayBeMissing }) => ({ on, mayBeMissing })),
    ["sys_lseek", "sys_of_tomorrow"].map((call) => ({
      on: { kind: "kprobe", call, syscall: true },
      mayBeMissing: true,
    })),
  );
  const typed = { call: "sys_Typo", ignore: { callNotFound: true } };
  assert.equal(problemsOf(aTracingPolicy({ kprobes: [typed] })).length, 1);
});

test("each call of enforcers is a hook that does what was left for it", () => {
  const policy = aTracingPolicy({
    lists: [{ name: "writes", type: "syscalls", values: ["sys_write", "sys_pwrite64"] }],
    kprobes: [{ call: "sys_lseek" }],
    enforcers: [{ calls: ["list:writes", "__x64_sys_write", "security_file_open"] }],
  });
  const enforce = { conditions: [], actions: [{ action: "Enforce", overrides: false }] };
  const on = (call: string, syscall: boolean) => ({ kind: "kprobe", call, syscall });
  assert.deepEqual(
    lowered(policy).hooks.slice(1),
    [on("sys_write", true), on("sys_pwrite64", true), on("security_file_open", false)].map(
      (point) => ({ on: point, args: [], selectors: [enforce] }),
    ),
  );
});

test("lower keeps what deny-tmp-forbidden-write means", () => {
  const int = { index: 0, type: "int" };
  const fd = { index: 0, type: "fd" };
  const size = { index: 2, type: "size_t" };
  const syscall = (call: string) => ({ kind: "kprobe", call, syscall: true });
  assert.deepEqual(lowerExample("deny-tmp-forbidden-write"), {
    ok: true,
    value: {
      policy: { kind: "TracingPolicy", name: "deny-tmp-forbidden-write" },
      mode: "enforce",
      scope: { host: true, pods: {} },
      hooks: [
        {
          on: { kind: "kprobe", call: "fd_install", syscall: false },
          args: [int, { index: 1, type: "file" }],
          selectors: [
            {
              conditions: [
                { by: "pid", op: "NotIn", values: [1], inNamespace: true, followForks: true },
                { by: "arg", arg: 1, op: "Prefix", values: ["/tmp/forbidden/"] },
              ],
              actions: [{ action: "FollowFD", fd: 0, name: 1 }],
            },
          ],
        },
        {
          on: syscall("sys_close"),
          args: [int],
          selectors: [{ conditions: [], actions: [{ action: "UnfollowFD", fd: 0 }] }],
        },
        {
          on: syscall("sys_read"),
          args: [fd, { index: 1, type: "char_buf", returnCopy: true }, size],
          selectors: [],
        },
        {
          on: syscall("sys_write"),
          args: [fd, { index: 1, type: "char_buf", sizeArgIndex: 3 }, size],
          selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }],
        },
      ],
    },
  });
});

test("lower ANDs the items of exec-policy-example into one selector", () => {
  assert.deepEqual(lowerExample("exec-policy-example"), {
    ok: true,
    value: {
      policy: { kind: "ExecPolicy", name: "exec-policy-example" },
      mode: "enforce",
      scope: { host: false, pods: {} },
      hooks: [
        {
          on: { kind: "exec" },
          args: [],
          selectors: [
            {
              conditions: [
                { by: "pid", op: "NotIn", values: [0], inNamespace: true, followForks: false },
                {
                  by: "capability",
                  op: "In",
                  set: "effective",
                  values: [21],
                  userNamespace: "any",
                },
              ],
              actions: [{ action: "Sigkill" }],
            },
          ],
        },
      ],
    },
  });
});

test("lower takes every example in config/examples", () => {
  const folder = new URL("../../config/examples/", import.meta.url);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
    for (const { result } of parsePolicies(readFileSync(new URL(name, folder), "utf8"), name)
      .policies) {
      assert.ok(result.ok && lower(result.value).ok, name);
    }
  }
});

const args = [
  { index: 0, type: "int" },
  { index: 1, type: "file" },
];

const scopes: readonly { name: string; spec: object; namespace?: string; want: object }[] = [
  { name: "no selector: everywhere", spec: {}, want: { host: true, pods: {} } },
  {
    name: "podSelector: pods only",
    spec: { podSelector: { matchLabels: { b: "2", a: "1" } } },
    want: { host: false, pods: { labels: { matchLabels: { a: "1", b: "2" } } } },
  },
  {
    name: "an empty podSelector: every pod",
    spec: { podSelector: {} },
    want: { host: false, pods: {} },
  },
  {
    name: "containerSelector: such containers of every pod",
    spec: {
      containerSelector: {
        matchExpressions: [{ key: "repo", operator: "In", values: ["docker.io/b", "docker.io/a"] }],
      },
    },
    want: {
      host: false,
      pods: {
        containers: {
          matchExpressions: [
            { key: "repo", operator: "In", values: ["docker.io/a", "docker.io/b"] },
          ],
        },
      },
    },
  },
  { name: "hostSelector: the host alone", spec: { hostSelector: {} }, want: { host: true } },
  {
    name: "hostSelector and podSelector: both",
    spec: { hostSelector: {}, podSelector: { matchLabels: { a: "1" } } },
    want: { host: true, pods: { labels: { matchLabels: { a: "1" } } } },
  },
  {
    name: "a namespaced policy: its namespace",
    spec: {},
    namespace: "shop",
    want: { host: false, pods: { namespaces: ["shop"] } },
  },
];
for (const { name, spec, namespace, want } of scopes) {
  test(`lower scopes ${name}`, () => {
    const set = lowered(aTracingPolicy({ ...spec, kprobes: [{ call: "sys_write" }] }, namespace));
    assert.deepEqual(set.scope, want);
  });
}

test("lower reads numbers as upstream does and sorts them by value", () => {
  const values = ["0x10", "9", "-1", "010", "9"];
  const set = lowered(
    aKprobePolicy({
      args: [{ index: 1, type: "int64" }],
      selectors: [{ matchArgs: [{ index: 1, operator: "Equal", values }] }],
    }),
  );
  assert.deepEqual(set.hooks[0]?.selectors[0]?.conditions, [
    { by: "arg", arg: 0, op: "Equal", values: ["-1", "8", "9", "16"] },
  ]);
});

test("lower leaves out arguments of type nop, and counts positions as the policy does", () => {
  const set = lowered(
    aTracingPolicy({
      kprobes: [
        {
          call: "vfs_open",
          syscall: false,
          args: [
            { index: 0, type: "nop" },
            { index: 1, type: "file" },
          ],
          selectors: [{ matchArgs: [{ args: [1], operator: "Prefix", values: ["/etc"] }] }],
        },
      ],
    }),
  );
  assert.deepEqual(set.hooks[0]?.args, [{ index: 1, type: "file" }]);
  assert.deepEqual(set.hooks[0]?.selectors[0]?.conditions, [
    { by: "arg", arg: 0, op: "Prefix", values: ["/etc"] },
  ]);
});

test("lower takes __x64_ before a system call's name, whose entry is found on every machine", () => {
  const set = lowered(aKprobePolicy({ call: "__x64_sys_write" }));
  assert.deepEqual(set.hooks[0]?.on, { kind: "kprobe", call: "sys_write", syscall: true });
});

test("lower gives isNamespaceCapability the meaning of each kind", () => {
  const userNamespaces = [true, false].map((isNamespaceCapability) => {
    const match = { operator: "In", isNamespaceCapability, values: ["cap_sys_admin"] };
    return [
      lowered(aKprobePolicy({ selectors: [{ matchCapabilities: [match] }] })),
      lowered(anExecPolicy([{ matchCapabilities: [match] }])),
    ].map((set) => {
      const condition = set.hooks[0]?.selectors[0]?.conditions[0];
      return condition?.by === "capability" && condition.userNamespace;
    });
  });
  assert.deepEqual(userNamespaces, [
    ["nested", "any"],
    ["any", "host"],
  ]);
});

test("a selector's workloads are where it matches; selecting nothing is everywhere", () => {
  const workloadsOf = (matchWorkloads: object) => {
    const kprobe = { call: "sys_close", selectors: [{ matchWorkloads }] };
    return lowered(aTracingPolicy({ kprobes: [kprobe] })).hooks[0]!.selectors[0]!.workloads;
  };
  const web = { matchLabels: { app: "web" } };
  assert.deepEqual(workloadsOf({ podSelector: web }), { host: false, pods: { labels: web } });
  assert.deepEqual(workloadsOf({ hostSelector: {} }), { host: true });
  assert.deepEqual(workloadsOf({ podSelector: web, hostSelector: {} }), {
    ...{ host: true, pods: { labels: web } },
  });
  assert.equal(workloadsOf({}), undefined);
  assert.equal(workloadsOf({ podSelector: {}, hostSelector: {} }), undefined);
});

test("lower takes 10,000 values at ten times the cost of 1,000, not at its square", () => {
  const lowerValues = (length: number) => {
    const values = Array.from({ length }, (_, i) => `/srv/data/${i % 2 ? i : -i}/file`);
    const matchArgs = [{ index: 1, operator: "Equal", values }];
    const kprobe = { call: "fd_install", syscall: false, args, selectors: [{ matchArgs }] };
    const set = lowered(aTracingPolicy({ kprobes: [kprobe] }));
    const [condition] = set.hooks[0]!.selectors[0]!.conditions;
    assert.ok(condition?.by === "arg");
    assert.equal(condition.values.length, length);
  };
  const times = growth(lowerValues, 1_000);
  assert.ok(times < 40, `${times} times the cost`);
});

test("lower refuses a namespaced policy without a namespace", () => {
  const raw = {
    ...aTracingPolicy({ kprobes: [{ call: "sys_write" }] }),
    kind: "TracingPolicyNamespaced",
  };
  assert.deepEqual(problemsOf(raw), [
    "invalid metadata.namespace: is missing; write the namespace this policy holds in",
  ]);
});
