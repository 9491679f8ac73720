import type { Hook } from "./selector-set.ts";

/**
 * A function that 32-bit processes enter the kernel by, named without its architecture's prefix
 * (`compat_sys_openat`), and how many of its parameters, from the first on, mean what those of the
 * system call do. `muxed`: it does several calls, and its first parameter says which.
 */
export type FurtherEntry = { readonly name: string; readonly alike: number | "muxed" };

/** The entries of a hook's system call that 32-bit processes have beside the kernel's own. */
export type FurtherEntries = {
  /** Those whose calls its hook can be asked about. */
  readonly seen: readonly { readonly name: string; readonly number: number }[];
  /** Those whose calls pass it by, as a person names them: `socketcall`. */
  readonly unseen: readonly string[];
};

/**
 * The further entries of the system call that `hook` is on; none of another hook. Whether a kernel
 * has one, only the node can tell. Numbers begin with 1, the same in every version: 0 is the
 * kernel's own entry.
 */
export function furtherEntries({ on, args }: Pick<Hook, "on" | "args">): FurtherEntries {
  if (on.kind !== "kprobe" || !on.syscall) return { seen: [], unseen: [] };
  const read = args.flatMap(({ index, sizeArgIndex = 0 }) => [index + 1, sizeArgIndex]);
  const needs = Math.max(0, ...read);
  const seen = [];
  const unseen = [];
  for (const [i, { name, alike }] of entriesOf(on.call).entries()) {
    if (alike !== "muxed" && alike >= needs) seen.push({ name, number: i + 1 });
    else unseen.push(name.replace(/^(compat_)?sys_(ia32_)?/, ""));
  }
  return { seen, unseen: [...new Set(unseen)].sort() };
}

/** By the call's own name, then by others. */
function entriesOf(call: string): readonly FurtherEntry[] {
  const others = byCall.get(call) ?? [];
  const names = withoutParameters.has(call) ? [`compat_${call}`] : [`compat_${call}`, call];
  const own = names.filter((name) => !others.some((one) => one.name === name));
  return [...own.map((name): FurtherEntry => ({ name, alike: all })), ...others];
}

/** As many as a hook can read. */
const all = 5;

/** Without registers to read, one function of x86 is both the kernel's own entry and the 32-bit one. */
const withoutParameters: ReadonlySet<string> = new Set([
  ...["sys_fork", "sys_getegid", "sys_geteuid", "sys_getgid", "sys_getpgrp", "sys_getpid"],
  ...["sys_getppid", "sys_gettid", "sys_getuid", "sys_inotify_init", "sys_munlockall"],
  ...["sys_pause", "sys_restart_syscall", "sys_rt_sigreturn", "sys_sched_yield", "sys_setsid"],
  ...["sys_sync", "sys_vfork", "sys_vhangup"],
]);

/**
 * A system call, then other functions of the i386 table that do the same, grouped by how many of
 * their parameters are alike: structs of 32-bit times, offsets in two registers, ids of 16 bits, or
 * all parameters in memory that one points to.
 */
const table: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  sys_adjtimex: { 1: "sys_adjtimex_time32" },
  sys_chown: { 1: "sys_chown16" },
  sys_clock_adjtime: { 2: "sys_clock_adjtime32" },
  sys_clock_getres: { 2: "sys_clock_getres_time32" },
  sys_clock_gettime: { 2: "sys_clock_gettime32" },
  sys_clock_nanosleep: { 4: "sys_clock_nanosleep_time32" },
  sys_clock_settime: { 2: "sys_clock_settime32" },
  sys_clone: { 3: "compat_sys_ia32_clone" },
  sys_fadvise64: { 1: "sys_ia32_fadvise64 sys_ia32_fadvise64_64" },
  sys_fallocate: { 2: "sys_ia32_fallocate" },
  sys_fanotify_mark: { 2: "compat_sys_fanotify_mark" },
  sys_fchown: { 1: "sys_fchown16" },
  sys_fcntl: { 3: "compat_sys_fcntl64" },
  sys_fstatfs: { 1: "compat_sys_fstatfs64" },
  sys_ftruncate: { 1: "sys_ia32_ftruncate64" },
  sys_futex: { 5: "sys_futex_time32" },
  sys_futimesat: { 3: "sys_futimesat_time32" },
  sys_getdents: { 2: "compat_sys_old_readdir" },
  sys_getgroups: { 1: "sys_getgroups16" },
  sys_getresgid: { 3: "sys_getresgid16" },
  sys_getresuid: { 3: "sys_getresuid16" },
  sys_getrlimit: { 2: "compat_sys_old_getrlimit" },
  sys_io_getevents: { 5: "sys_io_getevents_time32" },
  sys_io_pgetevents: { 5: "compat_sys_io_pgetevents_time64" },
  sys_lchown: { 1: "sys_lchown16" },
  sys_lseek: { 1: "sys_llseek" },
  sys_mmap: { 0: "compat_sys_ia32_mmap", 5: "sys_mmap_pgoff" },
  sys_mq_timedreceive: { 5: "sys_mq_timedreceive_time32" },
  sys_mq_timedsend: { 5: "sys_mq_timedsend_time32" },
  sys_nanosleep: { 2: "sys_nanosleep_time32" },
  sys_newfstat: { 2: "sys_fstat compat_sys_ia32_fstat64" },
  sys_newfstatat: { 4: "compat_sys_ia32_fstatat64" },
  sys_newlstat: { 2: "sys_lstat compat_sys_ia32_lstat64" },
  sys_newstat: { 2: "sys_stat compat_sys_ia32_stat64" },
  sys_newuname: { 1: "sys_uname sys_olduname" },
  sys_ppoll: { 5: "compat_sys_ppoll_time32 compat_sys_ppoll_time64" },
  sys_pread64: { 3: "sys_ia32_pread64" },
  sys_preadv: { 3: "compat_sys_preadv compat_sys_preadv64" },
  sys_preadv2: { 3: "compat_sys_preadv2 compat_sys_preadv64v2" },
  sys_pselect6: { 5: "compat_sys_pselect6_time32 compat_sys_pselect6_time64" },
  sys_pwrite64: { 3: "sys_ia32_pwrite64" },
  sys_pwritev: { 3: "compat_sys_pwritev compat_sys_pwritev64" },
  sys_pwritev2: { 3: "compat_sys_pwritev2 compat_sys_pwritev64v2" },
  sys_readahead: { 1: "sys_ia32_readahead" },
  sys_recvmmsg: { 5: "compat_sys_recvmmsg_time32 compat_sys_recvmmsg_time64" },
  sys_rt_sigaction: { 1: "sys_signal", 3: "compat_sys_sigaction" },
  sys_rt_sigpending: { 1: "compat_sys_sigpending" },
  sys_rt_sigprocmask: { 3: "compat_sys_sigprocmask" },
  sys_rt_sigsuspend: { 0: "sys_sigsuspend" },
  sys_rt_sigtimedwait: {
    4: "compat_sys_rt_sigtimedwait_time32 compat_sys_rt_sigtimedwait_time64",
  },
  sys_sched_rr_get_interval: { 2: "sys_sched_rr_get_interval_time32" },
  sys_select: { 0: "compat_sys_old_select" },
  sys_semtimedop: { 4: "sys_semtimedop_time32" },
  sys_sendfile64: { 4: "compat_sys_sendfile" },
  sys_setfsgid: { 0: "sys_setfsgid16" },
  sys_setfsuid: { 0: "sys_setfsuid16" },
  sys_setgid: { 0: "sys_setgid16" },
  sys_setgroups: { 1: "sys_setgroups16" },
  sys_setregid: { 0: "sys_setregid16" },
  sys_setresgid: { 0: "sys_setresgid16" },
  sys_setresuid: { 0: "sys_setresuid16" },
  sys_setreuid: { 0: "sys_setreuid16" },
  sys_settimeofday: { 0: "sys_stime32" },
  sys_setuid: { 0: "sys_setuid16" },
  sys_statfs: { 1: "compat_sys_statfs64" },
  sys_sync_file_range: { 1: "sys_ia32_sync_file_range" },
  sys_time: { 1: "sys_time32" },
  sys_timer_gettime: { 2: "sys_timer_gettime32" },
  sys_timer_settime: { 4: "sys_timer_settime32" },
  sys_timerfd_gettime: { 2: "sys_timerfd_gettime32" },
  sys_timerfd_settime: { 4: "sys_timerfd_settime32" },
  sys_truncate: { 1: "sys_ia32_truncate64" },
  sys_umount: { 1: "sys_oldumount" },
  sys_utime: { 2: "sys_utime32" },
  sys_utimensat: { 4: "sys_utimensat_time32" },
  sys_utimes: { 2: "sys_utimes_time32" },
  sys_wait4: { 3: "sys_waitpid" },
};

/** Functions that do several system calls, and which. */
const muxed: Readonly<Record<string, string>> = {
  compat_sys_socketcall:
    "sys_socket sys_bind sys_connect sys_listen sys_accept sys_getsockname sys_getpeername " +
    "sys_socketpair sys_sendto sys_recvfrom sys_shutdown sys_setsockopt sys_getsockopt " +
    "sys_sendmsg sys_recvmsg sys_accept4 sys_recvmmsg sys_sendmmsg",
  compat_sys_ipc:
    "sys_semop sys_semget sys_semctl sys_semtimedop sys_msgsnd sys_msgrcv sys_msgget sys_msgctl " +
    "sys_shmat sys_shmdt sys_shmget sys_shmctl",
};

const byCall: ReadonlyMap<string, readonly FurtherEntry[]> = Map.groupBy(
  [
    ...Object.entries(table).flatMap(([call, groups]) =>
      Object.entries(groups).flatMap(([alike, names]) =>
        names.split(" ").map((name) => ({ call, name, alike: Number(alike) })),
      ),
    ),
    ...Object.entries(muxed).flatMap(([name, calls]) =>
      calls.split(" ").map((call) => ({ call, name, alike: "muxed" as const })),
    ),
  ],
  ({ call }) => call,
);
