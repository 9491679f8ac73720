/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that are read, with only the members that are used: CO-RE finds their real
 * offsets in the running kernel's BTF, so no generated vmlinux.h has to be kept.
 */
#ifndef GUARDBEE_KERNEL_H
#define GUARDBEE_KERNEL_H

#define EAGAIN 11
#define __VMLINUX_H__ /* bpf_tracing.h: registers go by their kernel names */

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
#define BPF_F_NO_PREALLOC 1
#define BPF_F_INNER_MAP 0x1000
#define BPF_LOCAL_STORAGE_GET_F_CREATE 1
#define BPF_F_USER_STACK (1 << 8)
#define BPF_RB_NO_WAKEUP 1
#define BPF_RB_AVAIL_DATA 0
#define BPF_RB_CONS_POS 2

/* On the stack of a program: what a part of a ring is written by. */
struct bpf_dynptr {
	__u64 opaque[2];
};

#define ERR_PTR_MIN (-4095UL)
#define SB_NOUSER (1UL << 31) /* a file system of the kernel itself, as for pipes */
#define MNT_NS_ANON_INO 0xeffffff7 /* of each since 6.18, none before */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};
typedef struct {
	int counter;
} atomic_t;
typedef struct {
	long counter;
} atomic_long_t;
typedef struct {
	__u32 val;
} kuid_t;
struct ns_common {
	__u32 inum;
};
typedef struct {
	__u32 val;
} kgid_t;
struct user_namespace {
	int level;
	kuid_t owner;
	kgid_t group;
	struct ns_common ns;
};
struct pid_namespace {
	__u32 level;
	struct ns_common ns;
};
struct mount;
struct mnt_namespace {
	struct ns_common ns;
	struct mount *root;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	__u32 level;
	struct upid numbers[1];
};
/* A __u32[2] up to 6.2, a __u64 since 6.3 (f122a08b197d): eight bytes either way. */
struct kernel_cap_struct {
	__u64 bits;
};
struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	unsigned int securebits;
	struct kernel_cap_struct cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
};
struct qstr {
	__u32 hash;
	__u32 len;
	const unsigned char *name;
};
struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};
struct super_block;
struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	atomic_t i_writecount;
	long long i_size;
};
struct super_block {
	unsigned long s_flags, s_magic;
	struct user_namespace *s_user_ns;
};
struct dentry {
	struct super_block *d_sb;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
};
struct fdtable {
	__u32 max_fds;
	struct file **fd;
};
struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};
struct fs_struct {
	struct path root, pwd;
};
struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};
struct kernfs_node {
	const char *name;
	__u64 id;
};
struct cgroup_root {
	int hierarchy_id;
};
struct cgroup;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};
struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
};
struct tty_struct;
struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct tty_struct *tty;
};
struct task_struct {
	int pid, tgid;
	int exit_code;
	unsigned long atomic_flags;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	__u64 self_exec_id;
	const struct cred *cred, *real_cred;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct mm_struct *mm;
	kuid_t loginuid;
	struct css_set *cgroups;
	char comm[16];
};
struct linux_binprm {
	struct file *file;
	struct cred *cred;
	unsigned int per_clear;
	const char *filename;
	const char *interp;
	char buf[256];
};

#pragma clang attribute pop

#endif
