/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The present task, its files and their paths: structs of kernel.h, built anew for each call. */
#ifndef GUARDBEE_TESTING_TASK_H
#define GUARDBEE_TESTING_TASK_H

#include "../engine/arg/binprm.h"
#include "../engine/condition/namespace.h"
#include "../process/info.h"
#include "request.h"

#define FILES_MAX 8
#define COMPONENTS_MAX 1024
#define PATH_TEXT_MAX 8192
#define TEXT_MAX 16384
#define FDS_MAX 64
#define ANCESTORS_MAX 32
#define AREA_SIZE 256

/* The kernel keeps a short name behind these fields, a longer one elsewhere. */
struct fake_dentry {
	struct dentry dentry;
	unsigned char short_name[32];
};
struct fake_file {
	struct file file;
	struct inode inode;
	__u64 overlaid[2];	/* right behind it: struct overlaid */
	struct fake_dentry dentries[COMPONENTS_MAX];
	char path[PATH_TEXT_MAX];
};
/* Those of a task but the pid and the user namespace. */
struct namespaces {
	struct nsproxy___all all;
	struct uts_namespace uts;
	struct ipc_namespace ipc;
	struct mnt_namespace mnt;
	struct pid_namespace pid_for_children;
	struct net net;
	struct time_namespace time, time_for_children;
	struct cgroup_namespace cgroup;
};
static struct {
	struct task_struct task, ancestors[ANCESTORS_MAX];
	struct {
		struct pid pid;
		struct upid below[2];	/* behind pid.numbers[0]: the container's, and one in it */
	} pids[ANCESTORS_MAX + 1];
	struct pid_namespace container, namespace;
	struct pid_namespace___reaper outermost;
	struct namespaces namespaces;
	struct {
		struct task_struct task;
		struct pid pid;
		struct cred cred;
		struct user_namespace users;
		struct pid_namespace outermost;
		struct namespaces namespaces;
	} host_init;
	struct cred cred;
	struct user_namespace users;
	struct files_struct files;
	struct signal_struct signal;
	struct fdtable table;
	struct file *fds[FDS_MAX];
	struct mm_struct mm;
	struct process_info info;
	struct identity before;
	bool has_info;
	struct mm_struct parent_mm;
	struct fake_file exe, parent_exe;
	char beyond[AREA_SIZE];	/* where paths lead from the task */
	struct fs_struct fs;
	struct task_struct above_all;
	struct file_hash hash;
	char digest[FILE_HASH_SIZE];	/* of what is executed, where has_digest */
	bool has_digest;
} now;
static struct dentry root;
static struct super_block of_kernel = {.s_flags = SB_NOUSER};
static struct mnt_namespace anonymous;
static struct mount mounted, detached, internal;
static struct user_namespace of_host, of_process = {.level = 1};
/* Of the root folder, of another folder, and one that a process mounted there. */
static struct super_block image = {.s_magic = OVERLAYFS_MAGIC, .s_user_ns = &of_host};
static struct super_block elsewhere = {.s_magic = OVERLAYFS_MAGIC, .s_user_ns = &of_host};
static struct super_block of_its_own = {.s_magic = OVERLAYFS_MAGIC, .s_user_ns = &of_process};
static struct fake_file opened[FILES_MAX];
static __u32 opened_ids[FILES_MAX], opened_count;

/* Takes a path and makes it that of `file`. The size ~0: it has none, as a pipe. */
static void take_path(struct fake_file *file)
{
	struct dentry *above = &root;
	__u32 size = take_u32(), at = 0, components = 0;

	__builtin_memset(file, 0, sizeof(*file));
	file->inode.i_mode = 0100644;
	file->file.f_inode = &file->inode;
	if (size == ~0u) {
		file->dentries[0].dentry.d_parent = &file->dentries[0].dentry;
		file->dentries[0].dentry.d_inode = &file->inode;
		file->dentries[0].dentry.d_sb = &of_kernel;
		file->file.f_path.dentry = &file->dentries[0].dentry;
		file->file.f_path.mnt = &internal.mnt;
		return;
	}
	if (size > PATH_TEXT_MAX)
		shim_fail("a path that is too long");
	shim_take(file->path, size);
	while (at < size) {
		struct fake_dentry *fake = &file->dentries[components++];
		struct dentry *dentry = &fake->dentry;
		__u32 start = ++at; /* behind the slash */

		if (components > COMPONENTS_MAX)
			shim_fail("a path that is too deep");
		while (at < size && file->path[at] != '/')
			at++;
		dentry->d_parent = above;
		dentry->d_name.name = (const unsigned char *)file->path + start;
		dentry->d_name.len = at - start;
		if (at - start < sizeof(fake->short_name)) {
			__builtin_memcpy(fake->short_name, file->path + start, at - start);
			dentry->d_name.name = fake->short_name;
		}
		dentry->d_hash.pprev = (void *)dentry; /* not deleted */
		above = dentry;
	}
	above->d_inode = &file->inode;
	file->file.f_path.dentry = above;
	file->file.f_path.mnt = &mounted.mnt;
}

static struct file *file_of(__u32 id)
{
	for (__u32 i = 0; i < opened_count; i++)
		if (opened_ids[i] == id)
			return &opened[i].file;
	shim_fail("a file that was not described");
	return NULL;
}

/*
 * Gives a task its pid in its container, in which it is pid 1 of a namespace of its own; 0: it lives in
 * the host's namespace alone.
 */
static void number_in_namespace(struct task_struct *task, __u32 index, __u32 nspid)
{
	struct pid *pid = &now.pids[index].pid;
	struct upid upids[2] = {{.nr = nspid, .ns = &now.container},
				{.nr = 1, .ns = &now.namespace}};

	task->thread_pid = pid;
	pid->numbers[0].ns = (void *)&now.outermost;
	pid->level = nspid ? 2 : 0;
	if (nspid)
		__builtin_memcpy(now.pids[index].below, upids, sizeof(upids));
}

/* Takes the inode numbers of a task's namespaces; 0: it has left that one. */
static void take_namespaces(struct task_struct *task, struct namespaces *its, struct ns_common *pid,
			    struct ns_common *user)
{
	its->all = (struct nsproxy___all){
		.uts_ns = &its->uts, .ipc_ns = &its->ipc, .mnt_ns = &its->mnt,
		.pid_ns_for_children = &its->pid_for_children, .net_ns = &its->net,
		.time_ns = &its->time, .time_ns_for_children = &its->time_for_children,
		.cgroup_ns = &its->cgroup,
	};
	task->nsproxy = (void *)&its->all;
	its->mnt.root = &mounted;
	its->uts.ns.inum = take_u32();
	its->ipc.ns.inum = take_u32();
	its->mnt.ns.inum = take_u32();
	pid->inum = take_u32();
	its->pid_for_children.ns.inum = take_u32();
	its->net.ns.inum = take_u32();
	its->time.ns.inum = take_u32();
	its->time_for_children.ns.inum = take_u32();
	its->cgroup.ns.inum = take_u32();
	user->inum = take_u32();
}

/* The task's namespaces, and those of the host's pid 1. */
static void take_all_namespaces(__u32 nspid)
{
	take_namespaces(&now.task, &now.namespaces,
			nspid ? &now.namespace.ns : &now.outermost.ns, &now.users.ns);
	now.outermost.child_reaper = &now.host_init.task;
	now.host_init.task.thread_pid = &now.host_init.pid;
	now.host_init.pid.numbers[0].ns = &now.host_init.outermost;
	now.host_init.task.cred = &now.host_init.cred;
	now.host_init.cred.user_ns = &now.host_init.users;
	take_namespaces(&now.host_init.task, &now.host_init.namespaces,
			&now.host_init.outermost.ns, &now.host_init.users.ns);
}

static void take_process(void)
{
	static struct path_buffer late;
	__u32 pid = take_u32(), nspid = take_u32(), ancestors, flags = take_u32();
	struct task_struct *child = &now.task;

	now.task.pid = now.task.tgid = pid;
	now.task.group_leader = &now.task;
	now.task.cred = &now.cred;
	now.task.files = &now.files;
	now.task.signal = &now.signal;
	number_in_namespace(&now.task, 0, nspid);
	now.users.level = flags & 1 ? 0 : 1;
	now.cred.user_ns = &now.users;
	now.cred.cap_effective.bits = take_u64();
	now.cred.cap_permitted.bits = take_u64();
	now.cred.cap_inheritable.bits = take_u64();
	take_all_namespaces(nspid);
	ancestors = take_count(ANCESTORS_MAX - 1);
	for (__u32 i = 0; i < ancestors; i++) {
		now.ancestors[i].tgid = take_u32();
		number_in_namespace(&now.ancestors[i], i + 1, take_u32());
		now.ancestors[i].group_leader = &now.ancestors[i];
		now.ancestors[i].fs = &now.fs;
		child->real_parent = &now.ancestors[i];
		child = &now.ancestors[i];
	}
	/* above all of them is the idle task */
	child->real_parent = &now.ancestors[ancestors];
	now.ancestors[ancestors].group_leader = &now.ancestors[ancestors];
	number_in_namespace(&now.ancestors[ancestors], ancestors + 1, 0);
	/* and above that who has the root folder that the present task has, too, in the end */
	now.ancestors[ancestors].real_parent = &now.above_all;
	now.above_all.tgid = 1;
	now.above_all.group_leader = now.above_all.real_parent = &now.above_all;
	now.above_all.fs = now.task.fs = &now.fs;
	now.fs.root.dentry = &root;
	now.task.mm = &now.mm;
	take_path(&now.exe);
	now.mm.exe_file = &now.exe.file;
	take_path(&now.parent_exe);
	now.parent_mm.exe_file = &now.parent_exe.file;
	now.task.real_parent->mm = &now.parent_mm;
	info__create_late(&late);
	if (flags & 2)
		now.info.flags |= PROCESS_PROTECTED;
	if (flags & 4)
		now.info.flags |= PROCESS_OF_HOST;
	if (!take_u8())
		return; /* nobody noted what it was before */
	now.before.image = task__image(&now.task);
	shim_take(now.before.sets, sizeof(now.before.sets));
	shim_take(now.before.namespaces, sizeof(now.before.namespaces));
}

static void take_files(void)
{
	__u32 count;

	opened_count = take_count(FILES_MAX);
	for (__u32 i = 0; i < opened_count; i++) {
		__u8 is_detached;
		__u32 format;

		opened_ids[i] = take_u32();
		is_detached = take_u8();
		format = take_u32();
		take_path(&opened[i]);
		opened[i].inode.i_mode = format | 0644;
		if (is_detached)
			opened[i].file.f_path.mnt = &detached.mnt;
	}
	now.files.fdt = &now.table;
	now.table.max_fds = FDS_MAX;
	now.table.fd = now.fds;
	count = take_count(FDS_MAX);
	for (__u32 i = 0; i < count; i++) {
		__u32 fd = take_count(FDS_MAX - 1);

		now.fds[fd] = file_of(take_u32());
	}
}

/* The root folder is mounted in the namespace of all, and detached; pipes are in a mount of the kernel. */
static void make_mounts(void)
{
	root.d_parent = &root;
	mounted.mnt_parent = &mounted;
	mounted.mnt.mnt_root = &root;
	mounted.mnt.mnt_sb = &image;
	detached.mnt_parent = &detached;
	detached.mnt.mnt_root = &root;
	detached.mnt_ns = &anonymous;
	internal.mnt_parent = &internal;
	internal.mnt_ns = (void *)-22L;
}

#endif
