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

  security_path_chmod: "struct path *, -",
  security_path_chown: "struct path *, -, -",
  security_path_chroot: "struct path *",
  security_path_link: "struct dentry *, struct path *, struct dentry *",
  security_path_mkdir: "struct path *, struct dentry *, -",
  security_path_mknod: "struct path *, struct dentry *, -, unsigned int",
  security_path_rename:
    "struct path *, struct dentry *, struct path *, struct dentry *, unsigned int",
  security_path_rmdir: "struct path *, struct dentry *",
  security_path_symlink: "struct path *, struct dentry *, -",
  security_path_truncate: "struct path *",
  security_path_unlink: "struct path *, struct dentry *",

  security_inode_create: "-, struct dentry *, -",
  security_inode_follow_link: "struct dentry *, -, -",
  security_inode_link: "struct dentry *, -, struct dentry *",
  security_inode_mkdir: "-, struct dentry *, -",
  security_inode_mknod: "-, struct dentry *, -, -",
  security_inode_removexattr: "-, -, -",
  security_inode_rename: "-, struct dentry *, -, struct dentry *, unsigned int",
  security_inode_rmdir: "-, struct dentry *",
  security_inode_setattr: "-, -, -",
  security_inode_setxattr: "-, -, -, -, -",
  security_inode_symlink: "-, struct dentry *, -",
  security_inode_unlink: "-, struct dentry *",

  security_move_mount: "struct path *, struct path *",
  security_sb_mount: "-, struct path *, -, unsigned long, -",
  security_sb_pivotroot: "struct path *, struct path *",
  security_sb_umount: "-, int",

  security_bprm_check: "struct linux_binprm *",
  security_bprm_committed_creds: "struct linux_binprm *",
  security_bprm_committing_creds: "struct linux_binprm *",
  security_bprm_creds_for_exec: "struct linux_binprm *",
  security_bprm_creds_from_file: "struct linux_binprm *, struct file *",

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

  security_socket_accept: "struct socket *, -",
  security_socket_bind: "struct socket *, -, int",
  security_socket_connect: "struct socket *, -, int",
  security_socket_create: "int, int, int, int",
  security_socket_getsockopt: "struct socket *, int, int",
  security_socket_listen: "struct socket *, int",
  security_socket_post_create: "struct socket *, int, int, int, int",
  security_socket_recvmsg: "struct socket *, -, int, int",
  security_socket_sendmsg: "struct socket *, -, int",
  security_socket_setsockopt: "struct socket *, int, int",
  security_socket_shutdown: "struct socket *, int",
  security_socket_socketpair: "struct socket *, struct socket *",
  security_unix_may_send: "struct socket *, -",
  security_unix_stream_connect: "struct sock *, -, -",

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
