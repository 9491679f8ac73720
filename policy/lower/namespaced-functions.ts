import { type ArgType, argTypesWhere } from "../args/index.ts";
import type { CType } from "../args/kind.ts";

/**
 * Kernel functions that a namespaced policy may hook, beside system calls, with the types of their
 * parameters in C. All are asked about single acts of a process (none is as hot as
 * security_inode_permission or security_capable), and what is read of them tells a tenant nothing
 * but what its own processes do. `-`: of no use, or not the same in every kernel since 5.10:
 * inode_setattr and the like got a parameter in front with 5.12 and another of its kind with 6.3,
 * perf_event_open lost its first with 6.16. A kernel may have more parameters behind these, as
 * security_bpf since 6.15.
 */
const prototypes: Readonly<Record<string, string>> = {
  // The descriptor that a process is given, and what was opened: what FollowFD starts from.
  fd_install: "unsigned int, struct file *",

  security_file_fcntl: "struct file *, unsigned int, unsigned long",
  security_file_ioctl: "struct file *, unsigned int, unsigned long",
  security_file_ioctl_compat: "struct file *, unsigned int, unsigned long",
  security_file_lock: "struct file *, unsigned int",
  security_file_mprotect: "-, unsigned long, unsigned long",
  security_file_open: "struct file *",
  security_file_permission: "struct file *, int",
  security_file_post_open: "struct file *, int",
  security_file_receive: "struct file *",
  security_file_truncate: "struct file *",
  security_mmap_file: "struct file *, unsigned long, unsigned long",

  security_path_chmod: "-, -",
  security_path_chown: "-, -, -",
  security_path_chroot: "-",
  security_path_link: "-, -, -",
  security_path_mkdir: "-, -, -",
  security_path_mknod: "-, -, -, unsigned int",
  security_path_rename: "-, -, -, -, unsigned int",
  security_path_rmdir: "-, -",
  security_path_symlink: "-, -, -",
  security_path_truncate: "-",
  security_path_unlink: "-, -",

  security_inode_create: "-, -, -",
  security_inode_follow_link: "-, -, -",
  security_inode_link: "-, -, -",
  security_inode_mkdir: "-, -, -",
  security_inode_mknod: "-, -, -, -",
  security_inode_removexattr: "-, -, -",
  security_inode_rename: "-, -, -, -, unsigned int",
  security_inode_rmdir: "-, -",
  security_inode_setattr: "-, -, -",
  security_inode_setxattr: "-, -, -, -, -",
  security_inode_symlink: "-, -, -",
  security_inode_unlink: "-, -",

  security_move_mount: "-, -",
  security_sb_mount: "-, -, -, unsigned long, -",
  security_sb_pivotroot: "-, -",
  security_sb_umount: "-, int",

  security_bprm_check: "-",
  security_bprm_committed_creds: "-",
  security_bprm_committing_creds: "-",
  security_bprm_creds_for_exec: "-",
  security_bprm_creds_from_file: "-, struct file *",

  security_capset: "-, -, -, -, -",
  security_create_user_ns: "-",
  security_ptrace_access_check: "-, unsigned int",
  security_ptrace_traceme: "-",
  security_task_fix_setgid: "-, -, int",
  security_task_fix_setuid: "-, -, int",
  security_task_kill: "-, -, int, -",
  security_task_prctl: "int, unsigned long, unsigned long, unsigned long, unsigned long",
  security_task_prlimit: "-, -, unsigned int",
  security_task_setioprio: "-, int",
  security_task_setnice: "-, int",
  security_task_setpgid: "-, int",
  security_task_setrlimit: "-, unsigned int, -",
  security_task_setscheduler: "-",

  security_socket_accept: "-, -",
  security_socket_bind: "-, -, int",
  security_socket_connect: "-, -, int",
  security_socket_create: "int, int, int, int",
  security_socket_getsockopt: "-, int, int",
  security_socket_listen: "-, int",
  security_socket_post_create: "-, int, int, int, int",
  security_socket_recvmsg: "-, -, int, int",
  security_socket_sendmsg: "-, -, int",
  security_socket_setsockopt: "-, int, int",
  security_socket_shutdown: "-, int",
  security_socket_socketpair: "-, -",
  security_unix_may_send: "-, -",
  security_unix_stream_connect: "-, -, -",

  security_bpf: "int, -, unsigned int",
  security_bpf_map: "-, -",
  security_bpf_prog: "-",
  security_kernel_load_data: "int, -",
  security_kernel_module_request: "-",
  security_kernel_read_file: "struct file *, int, -",
  security_locked_down: "int",
  security_perf_event_open: "-",
  security_settime64: "-, -",
  security_syslog: "int",
  security_uring_cmd: "-",
  security_uring_override_creds: "-",
  security_uring_sqpoll: "",
};

/** The names, sorted. */
export const namespacedFunctions: readonly string[] = Object.keys(prototypes).sort();

/**
 * Parameter types in C of a function that namespaced policies may hook, undefined for those that
 * nothing may read; undefined: they may not hook it.
 */
export function parametersOf(call: string): readonly (CType | undefined)[] | undefined {
  const prototype = Object.hasOwn(prototypes, call) ? prototypes[call] : undefined;
  if (prototype === undefined || prototype === "") return prototype === "" ? [] : undefined;
  return prototype.split(", ").map((type) => (type === "-" ? undefined : (type as CType)));
}

/**
 * As which types a parameter of that C type may be read; none: as no type. A wider one would read what
 * another call left in the register.
 */
export function typesFor(parameter: CType | undefined): readonly ArgType[] {
  return argTypesWhere(
    ({ parameters }) => parameter !== undefined && parameters.includes(parameter),
  );
}
