/**
 * Test support: every attempt to get around a policy that is made in a guest, and what should come of
 * it. docs/reference/bypasses.md shows what came of it on each kernel.
 */
import { type PolicyName, place } from "./policies.ts";

/** What attempts have in common, in the order of the page. */
export const groups = {
  memory: "Programs without a path",
  longPaths: "Programs at long and deep paths",
  otherNames: "A program under another name",
  services: "Programs called as the node's services are",
  starts: "Programs started by threads, in namespaces and in cgroups",
  writes: "Ways to write",
  paths: "Other ways to a file",
  descriptors: "Descriptors of a file",
  connects: "Ways to connect",
  withoutConnect: "Reaching others without `connect`",
} as const;
export type Group = keyof typeof groups;

/** What a kernel may have been built without. */
export type Part = "x32" | "xfs" | "mptcp" | "vsock" | "binfmt";

export type Attempt = {
  readonly id: string;
  readonly group: Group;
  /** What is tried, in the words of the page. */
  readonly about: string;
  /** Arguments of the helper; with `cgroup` it begins outside of the policy's cgroup and enters it. */
  readonly command: readonly string[];
  /** The policies that stop it. */
  readonly stoppedBy: readonly PolicyName[];
  /** Those that do not see it; one of `stoppedBy` covers it, or `instead` says what to do. */
  readonly passes?: readonly PolicyName[];
  readonly instead?: string;
  /** It needs that of the kernel. */
  readonly needs?: Part;
};

/** Stands for the folder of the policy's cgroup. */
export const cgroup = "CGROUP";

const { other, tool, dynamicTool, listed, preloaded, folder, image } = place;
const [lastLink, toolScript] = [`${tool}-40`, `${tool}-script`];
const [file, source, aside] = [`${folder}/x`, `${folder}/source`, "/opt/aside"];
const hello = [other, "hello"];
const service = ["/usr/bin/containerd", "hello"];
const bothWrites = ["write", "writeOverride"] as const;
const connects = ["connectCall", "connectOverride", "connectHook", "tcpConnect"] as const;
const calls = ["connectCall", "connectOverride"] as const;

/** A way to start a program that no list names, or with `denied` one that a list forbids. */
const exec = (
  group: Group,
  id: string,
  about: string,
  command: readonly string[],
  more: Partial<Attempt> = {},
): Attempt => ({ id, group, about, command, stoppedBy: lists, ...more });
const lists = ["allow", "list"] as const;
const denied = { stoppedBy: [...lists, "deny"] } as const;
const open = { stoppedBy: [], passes: lists } as const;
const runs = (path: string) => ["run", path, "hello"];
const shell = ["run", "/usr/bin/dash", "-c", "true"];
const preload = ["preload", preloaded, "/usr/bin/dash", "-c", "exit 2"];
const flips = ["flip", "/tmp/bypass/flip", "/usr/bin/dash", tool, "hello"];
/** The file's name is the first argument of the interpreter. */
const binfmt = ["folder-run", "/tmp/bypass", "hello"];
const loader = "/lib64/ld-linux-x86-64.so.2";

/** On a descriptor of its own: a write that hooks on `sys_write` do not see, or another system call. */
const write = (id: string, about: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id, group: "writes", about, command: [id, file, source] },
  ...{ stoppedBy: ["protect"], passes: bothWrites, ...more },
});
const seen = { stoppedBy: [...bothWrites, "protect"], passes: [] } as const;

/** args: what the helper takes beside the folder. */
const path = (
  id: string,
  about: string,
  args: readonly string[],
  more: Partial<Attempt> = {},
): Attempt => ({
  ...{ id, group: "paths", about, command: [id, ...args] },
  ...{ stoppedBy: [...bothWrites, "protect"], ...more },
});
const unseen = { stoppedBy: ["protect"], passes: bothWrites } as const;

const descriptor = (id: string, about: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id, group: "descriptors", about, command: [id, file] },
  ...{ stoppedBy: [...bothWrites, "protect"], ...more },
});

const connect = (id: string, about: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id, group: "connects", about, command: [id], stoppedBy: connects, ...more },
});

const without = (id: string, about: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ id, group: "withoutConnect", about, command: [id] },
  ...{ stoppedBy: ["send"], passes: connects, ...more },
});

/** Of each group the first ones are tried in every test run. */
export const attempts: readonly Attempt[] = [
  exec("memory", "memory", "`memfd_create`, then `fexecve`", ["memory", ...hello]),
  exec("memory", "unlinked", "a file that is removed before it runs", ["unlinked", ...hello]),
  exec("memory", "unlinked-proc", "the same by `/proc/self/fd/N`", ["unlinked-proc", ...hello]),
  exec("memory", "memory-copy", "a forbidden program, in memory", ["memory", tool, "hello"], {
    passes: ["deny"],
  }),
  ...[255, 256, 300, 4000].map((bytes) =>
    exec("longPaths", `path-${bytes}`, `at a path of ${bytes} bytes`, runs(pathOf(bytes))),
  ),
  exec("longPaths", "path-deep", "600 folders deep", ["deep-run", "/opt/deep", "600", ...hello]),
  exec("otherNames", "name", "by its own name", runs(tool), denied),
  exec("otherNames", "name-symlink", "by a symbolic link", runs("/tmp/bypass/tool-link"), denied),
  exec("otherNames", "name-links", "by 40 symbolic links, one to the next", runs(lastLink), denied),
  exec("otherNames", "name-root", "by `/proc/PID/root`", runs(`/proc/1/root${tool}`), denied),
  exec(
    ...(["otherNames", "name-empty", "`execveat` with `AT_EMPTY_PATH`"] as const),
    ...([["empty-path", tool, "hello"], denied] as const),
  ),
  exec(
    "otherNames",
    "name-script",
    "as the interpreter of a `#!` script",
    runs(toolScript),
    denied,
  ),
  exec("otherNames", "name-binfmt", "as an interpreter of `binfmt_misc`", binfmt, {
    ...{ ...denied, needs: "binfmt" },
  }),
  exec("otherNames", "name-flip", "by a link that is changed while programs start", flips, denied),
  exec("otherNames", "name-copy", "a copy", runs(`${tool}-copy`), { passes: ["deny"] }),
  exec("otherNames", "name-tmpfs", "a copy on `tmpfs`", runs("/opt/deep/tool"), {
    passes: ["deny"],
  }),
  exec("otherNames", "name-hardlink", "a hard link", runs(`${tool}-hardlink`), {
    passes: ["deny"],
  }),
  exec("otherNames", "name-renamed", "renamed", ["renamed-run", tool, `${tool}-renamed`, "hello"], {
    passes: ["deny"],
  }),
  exec("otherNames", "name-loader", "`ld.so PROGRAM`", ["run", loader, dynamicTool], {
    passes: ["deny"],
  }),
  exec(
    ...(["otherNames", "name-mount", "bind-mounted over a listed program"] as const),
    ["mounted-over", "/usr/bin/dash", ...hello],
    { stoppedBy: ["protect"], passes: lists },
  ),
  exec(
    ...(["otherNames", "name-moved", "renamed to the path of a listed program"] as const),
    ["renamed-run", other, listed, "hello"],
    { ...open, instead: "`fromImage: true`, or `protect` of the listed paths" },
  ),
  exec("otherNames", "name-command", "what a listed shell is told by `-c`", shell, {
    ...{ ...open, instead: "list no shell" },
  }),
  exec("otherNames", "name-preload", "`LD_PRELOAD` of a listed program", preload, {
    ...{ ...open, instead: "list programs that are linked statically" },
  }),
  exec("services", "service-image", "in an image of its own", ["image-run", image, ...service]),
  exec("services", "service-chroot", "in a `chroot`", ["chroot-run", image, ...service]),
  exec(
    ...(["services", "service-child", "a child of one writes"] as const),
    ["image-run", image, service[0]!, "fork", file],
    { stoppedBy: bothWrites },
  ),
  exec("starts", "start-thread", "by a thread that is not the first", ["thread", ...hello]),
  exec("starts", "start-leader", "by a thread, after the first has ended", [
    ...["after-leader", ...hello],
  ]),
  exec("starts", "start-vfork", "after `vfork`", ["vfork", ...hello]),
  exec("starts", "start-namespaces", "in new user and pid namespaces", ["pid-namespace", ...hello]),
  exec("starts", "start-int80", "by `int $0x80`", ["int80-run", ...hello]),
  ...["before", "after"].map((when) =>
    exec("starts", `start-cgroup-${when}`, `in a cgroup below the pod's, made ${when} the policy`, [
      ...["cgroup-run", `${cgroup}/${when}`, ...hello],
    ]),
  ),
  write("write", "`write`", seen),
  write("int80", "`write` by `int $0x80`", seen),
  write("x32", "`write` by x32", { ...seen, needs: "x32" }),
  write("writev", "`writev`"),
  write("int80-writev", "`writev` by `int $0x80`"),
  write("pwrite64", "`pwrite64`"),
  write("pwritev2", "`pwritev2`"),
  write("sendfile", "`sendfile`"),
  write("splice", "`splice`"),
  write("copy_file_range", "`copy_file_range`"),
  write("fallocate", "`fallocate`, a hole"),
  write("clone", "`FICLONE`", {
    ...{ command: ["clone", `${folder}/xfs/x`, `${folder}/xfs/source`], needs: "xfs" },
  }),
  write("ftruncate", "`ftruncate`"),
  write("truncate", "`truncate`"),
  write("open-truncating", "`open` with `O_TRUNC`"),
  write("mmap", "a shared mapping"),
  write("mprotect", "a shared mapping for reading, then `mprotect`"),
  write("aio", "`io_submit`"),
  write("uring", "io_uring"),
  write("uring-registered", "io_uring, with a registered buffer and file"),
  write("uring-alone", "io_uring, which opened the file into a registered slot"),
  path("symlink", "a symbolic link to the folder", [folder, aside]),
  path("proc-fd", "`/proc/self/fd/N` of a file opened for reading", [folder]),
  path("proc-root", "`/proc/self/root`", [folder]),
  path("chroot", "`chroot` to the folder above", ["/opt", "/forbidden/x"]),
  path("deep", "600 folders below", [`${folder}/deep`, "600"]),
  path("unmounted", "in a mount that is unmounted while it is in use", [folder, "x"]),
  path("detached", "in a copy of the root's mount that is attached nowhere", [folder, "x"]),
  path("nested-first", "as pid 1 of a pid namespace made in a container", [folder]),
  path("first", "the same with `hostPID`", [folder], unseen),
  path("orphan", "as a process that pid 1 has adopted", [folder], unseen),
  path("renamed-folder", "the folder is renamed", [folder, aside], unseen),
  path("renamed-file", "the file is renamed", [folder, aside], unseen),
  path("link", "a hard link", [folder, aside], unseen),
  path("bind", "a bind mount, in namespaces that any user may make", [folder, aside], unseen),
  path("own-bind", "a bind mount, with the capability to mount", [folder, aside], unseen),
  path("moved-mount", "`open_tree`, then `move_mount`", [folder, aside], unseen),
  path("pivot-root", "`pivot_root` to the folder above", ["/opt", "/forbidden/x"], unseen),
  path("detached-volume", "in a copy of a volume's mount that is attached nowhere", [], {
    ...{ command: ["detached", `${folder}/volume`, "x"], ...unseen },
  }),
  descriptor("dup", "`dup`"),
  descriptor("dup2", "`dup2`, then `close` of the first"),
  descriptor("fcntl", "`F_DUPFD`"),
  descriptor("fork", "a child's"),
  descriptor("exec", "that of another program, across `execve`"),
  descriptor("socket", "sent over a socket"),
  descriptor("pidfd", "`pidfd_getfd`"),
  descriptor("path", "`O_PATH`, opened again by `/proc/self/fd/N`"),
  descriptor("sent-from-outside", "sent by a process for which the policy does not hold", {
    command: ["sent-from-outside", file, cgroup],
  }),
  descriptor("opened-before", "opened before the policy held", {
    ...{ command: ["opened-before", file, cgroup], ...unseen },
  }),
  descriptor("mapped-before", "mapped before the policy held", {
    command: ["mapped-before", file, cgroup],
    ...{ stoppedBy: [], passes: [...bothWrites, "protect"] },
    instead: "restart the pods when the policy is Ready",
  }),
  connect("connect", "`connect`"),
  connect("connect-later", "a socket that does not block"),
  connect("connect-thread", "by a thread that is not the first"),
  connect("connect-received", "a socket that came over a socket"),
  connect("mptcp", "MPTCP", { needs: "mptcp" }),
  connect("connect-int80", "`connect` by `int $0x80`"),
  connect("connect-socketcall", "`socketcall` by `int $0x80`", {
    ...{ stoppedBy: ["connectHook", "tcpConnect"], passes: calls },
  }),
  connect("connect-uring", "io_uring", {
    ...{ stoppedBy: ["connectHook", "tcpConnect"], passes: calls },
  }),
  connect("fast-open", "TCP Fast Open: `sendto` with `MSG_FASTOPEN`", {
    ...{ stoppedBy: ["tcpConnect", "send"], passes: [...calls, "connectHook"] },
  }),
  connect("fast-open-connect", "TCP Fast Open: `TCP_FASTOPEN_CONNECT`"),
  connect("unix", "a Unix socket", {
    ...{ stoppedBy: [...calls, "connectHook"], passes: ["tcpConnect"] },
  }),
  connect("vsock", "vsock", {
    ...{ stoppedBy: [...calls, "connectHook"], passes: ["tcpConnect"], needs: "vsock" },
  }),
  without("udp", "UDP: `sendto`"),
  without("raw", "a raw socket"),
  without("packet", "a packet socket"),
  without("connected-before", "a connection from before the policy", {
    command: ["connected-before", cgroup],
  }),
  without("connected-outside", "a connected socket that came from outside the policy", {
    command: ["connected-outside", cgroup],
  }),
];

/** A path of so many bytes, in folders of 200 at most. */
export function pathOf(bytes: number): string {
  let path = "/tmp/bypass";
  while (path.length < bytes) {
    const left = bytes - path.length - 1;
    path += `/${"x".repeat(left > 202 ? 200 : left)}`;
  }
  return path;
}

/** The policies that an attempt is made against. */
export function triedAgainst({ stoppedBy, passes = [] }: Attempt): readonly PolicyName[] {
  return [...stoppedBy, ...passes];
}
