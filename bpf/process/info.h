/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a task, and what is kept of each process. */
#ifndef GUARDBEE_PROCESS_INFO_H
#define GUARDBEE_PROCESS_INFO_H

#include "../path.h"
#include "../scope.h"

/*
 * A container's own pid namespace is right below the host's. Those that its processes make are below it,
 * and what they are called there says nothing: who wants to be pid 1 makes a namespace.
 */
#define CONTAINER_LEVEL 1

/* The task's process as the pid namespace of its container numbers it. All zero in the host's. */
static __always_inline void task__read_upid(struct task_struct *task, struct upid *upid)
{
	struct pid *pid = task->group_leader->thread_pid;

	upid->nr = 0;
	upid->ns = NULL;
	if (pid->level >= CONTAINER_LEVEL)
		bpf_probe_read_kernel(upid, bpf_core_type_size(struct upid),
				      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
					      CONTAINER_LEVEL * bpf_core_type_size(struct upid));
}

/* Pid in the container's pid namespace, 0 in the host's. */
static __always_inline __u32 task__nspid(struct task_struct *task)
{
	struct upid upid;

	task__read_upid(task, &upid);
	return upid.nr;
}

/* Which of its images the task runs: another number after each exec. */
static __always_inline __u64 task__image(struct task_struct *task)
{
	return task->self_exec_id + 1;
}

/*
 * Begins with the path of the program that the current process runs. Not static: see path__find, which is
 * not called here, for its part of the stack would lie on this one's.
 */
__noinline int path__begin_exe(struct path_buffer *buffer)
{
	struct file *exe = bpf_get_current_task_btf()->mm->exe_file;

	if (buffer && exe)
		path__begin_typed(buffer, &exe->f_path);
	else if (buffer)
		buffer->walk.dentry = NULL;
	return 0;
}

/* The same of its parent's. */
__noinline int path__begin_parent_exe(struct path_buffer *buffer)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct file *exe = leader->real_parent->mm->exe_file;

	if (buffer && exe)
		path__begin_typed(buffer, &exe->f_path);
	else if (buffer)
		buffer->walk.dentry = NULL;
	return 0;
}

/* Writes the path of the program that the current process runs. */
static __always_inline enum known path__find_exe(struct path_buffer *buffer)
{
	path__begin_exe(buffer);
	return path__find(buffer);
}

/* The same of its parent's. */
static __always_inline enum known path__find_parent_exe(struct path_buffer *buffer)
{
	path__begin_parent_exe(buffer);
	return path__find(buffer);
}

/* The same of the working folder. */
__noinline int path__find_cwd(struct path_buffer *buffer)
{
	struct fs_struct *fs = bpf_get_current_task_btf()->fs;

	return buffer ? path__find_typed(buffer, &fs->pwd) : KNOWN_ABSENT;
}

/* Takes the path that was found. */
static __always_inline void executable__set(struct executable *to, struct path_buffer *buffer,
					    enum known known)
{
	__u32 size = buffer->walk.cut ? BINARY_SIZE : path__size(buffer);

	__builtin_memset(to->path, 0, sizeof(to->path));
	to->size = 0;
	to->ids[BINARY_EXACT] = to->ids[BINARY_PREFIX] = to->ids[BINARY_POSTFIX] = 0;
	if (known != KNOWN_EXACTLY)
		return; /* it is in no list */
	to->size = size;
	if (size >= BINARY_SIZE) {
		/* its beginning and its end are kept: the whole of it equals no value */
		bpf_probe_read_kernel(to->end, BINARY_END, buffer->text + PATH_SIZE - 1 - BINARY_END);
		size = BINARY_SIZE - 1;
	}
	path__read_head(to->path, size, buffer);
}

static __always_inline void executable__copy(struct executable *to, const struct executable *from)
{
	__builtin_memcpy(to, from, __builtin_offsetof(struct executable, end));
	if (from->size >= BINARY_SIZE)
		__builtin_memcpy(to->end, from->end, BINARY_END);
}

static __always_inline void info__set_binary(struct process_info *info, struct path_buffer *buffer)
{
	info->flags &= ~PROCESS_PROTECTED;
	executable__set(&info->binary, buffer, path__find_exe(buffer));
}

#define HOST_ROOT_DEPTH 64	/* generations in which pid 1 is looked for */

static long host_root__step(__u32 index, void *context)
{
	struct task_struct **leader = context, *task = *leader;

	if (BPF_CORE_READ(task, tgid) == 1)
		return 1;
	*leader = BPF_CORE_READ(task, real_parent, group_leader);
	return 0;
}

/*
 * Whether the root folder of the process is the host's: that of pid 1, of which each process of the
 * host's pid namespace is a descendant. False where pid 1 is too far above.
 */
static __always_inline bool task__has_host_root(struct task_struct *leader)
{
	struct dentry *root = BPF_CORE_READ(leader, fs, root.dentry);
	struct task_struct *above = leader;

	bpf_loop(HOST_ROOT_DEPTH, host_root__step, &above, 0);
	return BPF_CORE_READ(above, tgid) == 1 && root == BPF_CORE_READ(above, fs, root.dentry);
}

/*
 * A container runtime enters the cgroup of a container before it runs the container's program. What it
 * runs until then is the host's: it was started on the host; or in the container's cgroup, where the
 * process was made from the host, or moved to before it ran anything, while its root folder was the
 * host's. Nothing is said of programs from before it is known where pods are.
 */
static __always_inline void info__set_of_host(struct process_info *info, struct task_struct *task)
{
	bool sent = info->flags & PROCESS_SENT;

	info->flags &= ~PROCESS_OF_HOST;
	if (scope_state.place == PLACE_NOWHERE)
		return;
	if (scope__class() == SCOPE_HOST || (sent && task__has_host_root(task)))
		info->flags |= PROCESS_OF_HOST;
}

/*
 * Services of the node are protected by path, where that is a path of the host: an image may have a
 * program at any path.
 */
static __always_inline void info__set_protected(struct process_info *info,
						struct task_struct *leader, __u32 nspid)
{
	if (nspid == 0 && bpf_map_lookup_elem(&protected_binaries, info->binary.path) &&
	    task__has_host_root(leader))
		info->flags |= PROCESS_PROTECTED;
}

/*
 * Makes the record of the current process, which ran before tracking did, from the task itself. 0
 * when there is no memory for it. Not static: see path__find.
 */
__noinline int info__create_late(struct path_buffer *buffer)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct process_info *info;

	if (!buffer)
		return 0; /* cannot be: the verifier wants it asked */
	info = bpf_task_storage_get(&process, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!info) {
		losses__count(LOSS_PROCESS_STORAGE);
		return 0;
	}
	info->key.ktime = leader->start_boottime;
	info->key.pid = leader->tgid;
	info->parent.pid = leader->real_parent->tgid;
	info->parent.ktime = leader->real_parent->group_leader->start_boottime;
	info->flags = PROCESS_LATE;
	if (leader->files->count.counter > leader->signal->nr_threads)
		info->flags |= PROCESS_SHARES_FILES;
	executable__set(&info->binary, buffer, path__find_exe(buffer));
	executable__set(&info->parent_binary, buffer, path__find_parent_exe(buffer));
	info__set_protected(info, leader, task__nspid(leader));
	info->image = task__image(leader);
	return 1;
}

/*
 * Notes which program the current process runs, where that was missed, in a record that keeps whose image
 * it is: process_exec may be about to tell of the exec. Not static, as above.
 */
__noinline int info__renew(struct path_buffer *buffer)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct process_info *info = bpf_task_storage_get(&process, leader, 0, 0);

	if (!buffer || !info)
		return 0; /* cannot be: there is one that is old */
	executable__copy(&info->parent_binary, &info->binary);
	info__set_binary(info, buffer);
	info__set_protected(info, leader, task__nspid(leader));
	info__set_of_host(info, leader);
	info->flags &= ~PROCESS_AGENT;
	info->flags |= PROCESS_RENEWED;
	info->image = task__image(leader);
	return 0;
}

/* Whether another program runs in the process than its record says. */
static __always_inline bool info__is_old(struct process_info *info, struct task_struct *leader)
{
	return process_state.may_miss && info->image && info->image != task__image(leader);
}

/*
 * The record of `task`'s process, made now if it has none; `task` is the current one. NULL only
 * without memory.
 */
static __always_inline struct process_info *info__of(struct task_struct *task,
						     struct path_buffer *buffer)
{
	struct process_info *info = bpf_task_storage_get(&process, task->group_leader, 0, 0);

	if (info && info__is_old(info, task->group_leader))
		info__renew(buffer);
	if (!info && info__create_late(buffer))
		info = bpf_task_storage_get(&process, task->group_leader, 0, 0);
	return info;
}

#endif
