import type { Json } from "./event-line.ts";
import { quoteIfNeeded } from "./go-quote.ts";

/** What a line says about an event after the process: a glyph and name, and the details. */
export type Description = {
  readonly glyph: string;
  readonly name: string;
  readonly details: readonly string[];
};

/** The table of upstream-events-cli.md §3.1: by function, without the architecture's prefix. */
export function describeKprobe(event: Json): Description {
  const called = event.text("function_name");
  const describe = table[called.replace(/^__(x64|arm64|ia32)_/, "")];
  if (describe === undefined)
    return { glyph: "❓", name: "syscall", details: [quoteIfNeeded(called)] };
  const args = event.list("args");
  const { glyph, name, details } = describe({
    file: (i) => quoteIfNeeded(args[i]?.get("file_arg").text("path") ?? ""),
    path: (i) => quoteIfNeeded(args[i]?.get("path_arg").text("path") ?? ""),
    text: (i) => quoteIfNeeded(args[i]?.text("string_arg") ?? ""),
    value: (i, type) => quoteIfNeeded(args[i]?.text(type) ?? ""),
    member: (i, type, key) => quoteIfNeeded(args[i]?.get(type).text(key) ?? ""),
  });
  return { glyph, name, details: typeof details === "string" ? [details] : details };
}

/** What a row of the table reads of the call's arguments; all empty where they are not there. */
type Call = {
  file(i: number): string;
  path(i: number): string;
  text(i: number): string;
  value(i: number, type: string): string;
  member(i: number, type: string, key: string): string;
};
type Row = (call: Call) => {
  readonly glyph: string;
  readonly name: string;
  readonly details: string | readonly string[];
};

const transfer =
  (glyph: string, name: string): Row =>
  (call) => {
    const size = call.value(2, "size_arg");
    return { glyph, name, details: [call.file(0), size === "" ? "" : `${size} bytes`] };
  };

const connection =
  (glyph: string, name: string, more: (call: Call) => string = () => ""): Row =>
  (call) => {
    const part = (key: string) => call.member(0, "sock_arg", key);
    const ends = `${part("saddr")}:${part("sport")} -> ${part("daddr")}:${part("dport")}`;
    return { glyph, name, details: `tcp ${ends}${more(call)}` };
  };

const bpfMap: Row = (call) => {
  const part = (key: string) => call.member(0, "bpf_map_arg", key);
  const sizes = `key size ${part("KeySize")} value size ${part("ValueSize")}`;
  const what = `${part("MapType")} ${part("MapName")}`;
  const details = `${what} ${sizes} max entries ${part("MaxEntries")}`;
  return { glyph: "🗺", name: "bpf_map_create", details };
};

const openAt =
  (name: string): Row =>
  (call) => ({ glyph: "📬️", name, details: call.text(1) });

const mount =
  (name: string): Row =>
  (call) => ({ glyph: "💾", name, details: [call.text(0), call.text(1)] });

/** CLONE_NEW* by value. */
const namespaces: Readonly<Record<string, string>> = {
  0: "any",
  33554432: "cgroup",
  134217728: "ipc",
  1073741824: "net",
  131072: "mnt",
  536870912: "pid",
  128: "time",
  268435456: "user",
  67108864: "uts",
};

const filePermission: Row = (call) => {
  const details = call.file(0);
  switch (call.value(1, "int_arg")) {
    case "2":
      return { glyph: "📝", name: "write", details };
    case "4":
      return { glyph: "📚", name: "read", details };
    default:
      return { glyph: "❓", name: "security_file_permission", details };
  }
};

const mmapFile: Row = (call) => {
  const protection = Number(call.value(1, "uint_arg"));
  const letters = ["r", "w", "x"].filter((_, bit) => (protection & (1 << bit)) !== 0).join("");
  const details = call.file(0);
  if (letters === "") return { glyph: "❓", name: "security_mmap_file", details };
  return { glyph: "📝", name: `mmap-${letters}`, details };
};

const table: Readonly<Record<string, Row>> = {
  __proto__: null as never, // a function may be called like a member of Object
  sys_write: transfer("📝", "write"),
  sys_read: transfer("📚", "read"),
  fd_install: (call) => ({ glyph: "📬", name: "open", details: call.file(1) }),
  sys_openat: openAt("openat"),
  sys_open: openAt("open"),
  sys_close: (call) => ({ glyph: "📪", name: "close", details: call.file(0) }),
  sys_mount: mount("mount"),
  sys_pivot_root: mount("pivot_root"),
  sys_setuid: (call) => ({ glyph: "🔑", name: "setuid", details: call.value(0, "int_arg") }),
  sys_clock_settime: () => ({ glyph: "⏰", name: "clock_settime", details: [] }),
  proc_exec_connector: () => ({ glyph: "🔧", name: "proc_exec_connector", details: [] }),
  sys_setns: (call) => {
    const details = namespaces[call.value(1, "int_arg")] ?? "";
    return { glyph: "🔧", name: "setns", details };
  },
  tcp_connect: connection("🔌", "connect"),
  tcp_close: connection("🧹", "close"),
  tcp_sendmsg: connection("📤", "sendmsg", (call) => ` bytes ${call.value(1, "int_arg")}`),
  bpf_check: (call) => {
    const part = (key: string) => call.member(0, "bpf_attr_arg", key);
    const details = `${part("ProgType")} ${part("ProgName")} instruction count ${part("InsnCnt")}`;
    return { glyph: "🐝", name: "bpf_load", details };
  },
  security_perf_event_alloc: (call) => {
    const part = (key: string) => call.member(0, "perf_event_arg", key);
    return {
      glyph: "🐝",
      name: "perf_event_alloc",
      details: `${part("Type")} ${part("KprobeFunc")}`,
    };
  },
  security_bpf_map_alloc: bpfMap,
  security_bpf_map_create: bpfMap,
  security_file_permission: filePermission,
  security_mmap_file: mmapFile,
  security_path_truncate: (call) => ({ glyph: "📝", name: "truncate", details: call.path(0) }),
  security_file_truncate: (call) => ({ glyph: "📝", name: "truncate", details: call.file(0) }),
};
