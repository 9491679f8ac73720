import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatCompact } from "./compact.ts";
import { eventKinds, parseEventLine } from "./event-line.ts";

const process = { binary: "/usr/bin/x", pod: { namespace: "default", name: "xwing" } };
const who = "default/xwing /usr/bin/x";

function compact(raw: object, options: Partial<Parameters<typeof formatCompact>[1]> = {}) {
  const line = parseEventLine(JSON.stringify(raw));
  assert.ok(line);
  return formatCompact(line, { color: "plain", timestamps: false, ...options });
}
const kprobe = (function_name: string, ...args: object[]) =>
  compact({ process_kprobe: { process, function_name, args } });
const file = (path: string) => ({ file_arg: { path } });
const sock = { sock_arg: { saddr: "10.0.0.1", sport: 4321, daddr: "::1", dport: 80 } };
const map = { MapType: "BPF_MAP_TYPE_HASH", MapName: "m", KeySize: 4, ValueSize: 8, MaxEntries: 2 };

const kprobes: readonly { name: string; got: () => string | undefined; want: string }[] = [
  {
    name: "fd_install opens",
    got: () => kprobe("fd_install", { int_arg: 3 }, file("/a")),
    want: `📬 open    ${who} /a`,
  },
  {
    name: "openat has a glyph of its own",
    got: () => kprobe("__arm64_sys_openat", { int_arg: 1 }, { string_arg: "/a b" }),
    want: `📬️ openat  ${who} "/a b"`,
  },
  {
    name: "close of a descriptor by number has no path",
    got: () => kprobe("__x64_sys_close", { int_arg: 3 }),
    want: `📪 close   ${who} `,
  },
  {
    name: "close of a file",
    got: () => kprobe("__x64_sys_close", file("/a")),
    want: `📪 close   ${who} /a`,
  },
  {
    name: "write with its size",
    got: () => kprobe("__x64_sys_write", file("/a"), { bytes_arg: "" }, { size_arg: "32" }),
    want: `📝 write   ${who} /a 32 bytes`,
  },
  {
    name: "read without arguments",
    got: () => kprobe("__ia32_sys_read"),
    want: `📚 read    ${who}  `,
  },
  {
    name: "mount",
    got: () => kprobe("__x64_sys_mount", { string_arg: "a" }, { string_arg: "/b" }),
    want: `💾 mount   ${who} a /b`,
  },
  {
    name: "setns by namespace",
    got: () => kprobe("__x64_sys_setns", { int_arg: 3 }, { int_arg: 0x40000000 }),
    want: `🔧 setns   ${who} net`,
  },
  {
    name: "setuid to root",
    got: () => kprobe("__x64_sys_setuid", { int_arg: 0 }),
    want: `🔑 setuid  ${who} 0`,
  },
  {
    name: "connect",
    got: () => kprobe("tcp_connect", sock),
    want: `🔌 connect ${who} tcp 10.0.0.1:4321 -> ::1:80`,
  },
  {
    name: "sendmsg with its size",
    got: () => kprobe("tcp_sendmsg", sock, { int_arg: 12 }),
    want: `📤 sendmsg ${who} tcp 10.0.0.1:4321 -> ::1:80 bytes 12`,
  },
  {
    name: "a map is made",
    got: () => kprobe("security_bpf_map_create", { bpf_map_arg: map }),
    want: `🗺 bpf_map_create ${who} BPF_MAP_TYPE_HASH m key size 4 value size 8 max entries 2`,
  },
  {
    name: "file_permission to write",
    got: () => kprobe("security_file_permission", file("/a"), { int_arg: 2 }),
    want: `📝 write   ${who} /a`,
  },
  {
    name: "mmap to read and run",
    got: () => kprobe("security_mmap_file", file("/a"), { uint_arg: 5 }),
    want: `📝 mmap-rx ${who} /a`,
  },
  {
    name: "truncate",
    got: () => kprobe("security_path_truncate", { path_arg: { path: "/a" } }),
    want: `📝 truncate ${who} /a`,
  },
  {
    name: "any other function, with its prefix",
    got: () => kprobe("__x64_sys_ptrace", { int_arg: 1 }),
    want: `❓ syscall ${who} __x64_sys_ptrace`,
  },
  {
    name: "a function called like a member of Object",
    got: () => kprobe("toString"),
    want: `❓ syscall ${who} toString`,
  },
];
for (const { name, got, want } of kprobes) {
  test(`kprobe: ${name}`, () => assert.equal(got(), want));
}

const others: readonly { name: string; raw: object; want: string | undefined }[] = [
  {
    name: "a process of the host stands below its node, several arguments in quotes",
    raw: {
      process_exec: { process: { binary: "/bin/a b", arguments: '-c "x y"' } },
      node_name: "n1",
    },
    want: '🚀 process n1 "/bin/a b" "-c \\"x y\\""',
  },
  {
    name: "an exit shows its status",
    raw: { process_exit: { process: { ...process, arguments: "a" }, status: 3 } },
    want: `💥 exit    ${who} a 3`,
  },
  {
    name: "LSM",
    raw: { process_lsm: { process, function_name: "file_open" } },
    want: `🔒 LSM     ${who} file_open`,
  },
  {
    name: "LSM with the hash of its file",
    raw: {
      process_lsm: {
        ...{ process, function_name: "file_open", ima_hash: "sha256:0ab1" },
        args: [{ file_arg: { path: "/etc/a b" } }],
      },
    },
    want: `🔒 LSM     ${who} file_open\n   "/etc/a b" sha256:0ab1`,
  },
  {
    name: "LSM of a program with its hash",
    raw: {
      process_lsm: {
        ...{ process, function_name: "bprm_check_security", ima_hash: "sha1:ff" },
        args: [{ linux_binprm_arg: { path: "/bin/x" } }],
      },
    },
    want: `🔒 LSM     ${who} bprm_check_security\n   /bin/x sha1:ff`,
  },
  {
    name: "LSM of a hook that upstream shows no hash of",
    raw: { process_lsm: { process, function_name: "inode_unlink", ima_hash: "sha1:ff" } },
    want: `🔒 LSM     ${who} inode_unlink`,
  },
  {
    name: "tracepoint",
    raw: { process_tracepoint: { process, subsys: "sched", event: "sched_switch" } },
    want: `⁉️ tracepoint ${who} sched sched_switch`,
  },
  {
    name: "uprobe",
    raw: { process_uprobe: { process, path: "/bin/bash", symbol: "readline" } },
    want: `🕵️ uprobe  ${who} /bin/bash readline`,
  },
  {
    name: "loader",
    raw: { process_loader: { process, path: "/l.so", buildid: "q83vEg==" } },
    want: `🧬 loader  ${who} abcdef12 /l.so`,
  },
  {
    name: "throttle",
    raw: { process_throttle: { type: "THROTTLE_START", cgroup: "c.scope\0\0" } },
    want: "🧬 throttle START c.scope",
  },
  { name: "lost events have no line", raw: { rate_limit_info: {} }, want: undefined },
];
for (const { name, raw, want } of others) {
  test(`compact: ${name}`, () => assert.equal(compact(raw), want));
}

test("timestamps have nine digits, also when there are none", () => {
  const event = { process_exec: { process }, time: "2026-01-02T03:04:05.6Z" };
  const options = { timestamps: true };
  assert.equal(compact(event, options), `2026-01-02T03:04:05.600000000Z 🚀 process ${who} `);
  const without = compact({ process_exec: { process } }, options);
  assert.equal(without, `1970-01-01T00:00:00.000000000Z 🚀 process ${who} `);
});

test("colours are upstream's", () => {
  const event = { process_exit: { process: { ...process, arguments: "a" }, signal: "SIGKILL" } };
  const [blue, green, magenta, cyan, red] = [34, 32, 35, 36, 31].map((code) => `\u001b[${code}m`);
  const off = "\u001b[0m";
  assert.equal(
    compact(event, { color: "colored" }),
    `${blue}💥 exit   ${off} ${green}default/xwing${off} ${magenta}/usr/bin/x${off} ` +
      `${cyan}a${off} ${red}SIGKILL${off}`,
  );
});

test("CAP_SYS_ADMIN stands at the right edge", () => {
  const cap = { effective: ["CAP_CHOWN", "CAP_SYS_ADMIN"] };
  const line = compact({ process_exec: { process: { ...process, cap } } }) ?? "";
  assert.match(line, / {40,}🛑 CAP_SYS_ADMIN$/u);
});

test("stack traces stand below the line", () => {
  const event = {
    process,
    function_name: "f",
    kernel_stack_trace: [{ address: "255", offset: "16", symbol: "ksys_write" }],
    user_stack_trace: [{ offset: "4096", symbol: "write", module: "/lib/libc.so" }],
  };
  assert.equal(
    compact({ process_kprobe: event }),
    [
      `❓ syscall ${who} f`,
      "Kernel:",
      "   0xff: ksys_write+0x10",
      "User:",
      "   0x0: write (/lib/libc.so+0x1000)",
    ].join("\n"),
  );
});

test("no JSON makes the formatter throw or print control characters", () => {
  const inner = fc.dictionary(
    fc.constantFrom("process", "function_name", "args", "signal", "status", "subsys", "event"),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...eventKinds), inner, (kind, value) => {
      const line = parseEventLine(JSON.stringify({ [kind]: value }));
      if (line !== undefined) formatCompact(line, { color: "plain", timestamps: true });
    }),
  );
  const line = compact({ process_exec: { process: { ...process, arguments: "\u001b[2J" } } });
  assert.equal(line, `🚀 process ${who} "\\x1b[2J"`);
});
