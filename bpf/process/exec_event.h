/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is told of an exec: the event, and before it what of argv and the environment is too long for it. */
#ifndef GUARDBEE_PROCESS_EXEC_EVENT_H
#define GUARDBEE_PROCESS_EXEC_EVENT_H

#include "info.h"

#include "../events.h"
#include "../namespaces.h"
#include "../scope.h"

/* An exec event's payload, in this order: filename, argv, cwd, cgroup name, identity where it is asked for. */
#define EXEC_PAYLOAD_MAX \
	(PATH_SIZE + ARGS_SIZE + PATH_SIZE + CGROUP_NAME_SIZE + sizeof(struct exec_identity))

/* What of the process' memory is being sent in EVENT_DATA. Not on the stack: see path_walk. */
struct exec_data {
	unsigned long from;
	__u32 left;
	__u32 sent;
	__u32 what;		/* enum data_what */
	__u32 failed;		/* it could not be read */
};

struct exec_scratch {
	struct exec_data data;
	unsigned long args_start, args_end; /* in the memory of the process */
	struct exec_identity identity;
	struct exec_event event; /* right before its payload */
	/* offsets are masks to the verifier */
	char payload[4 * PATH_SIZE + CGROUP_NAME_SIZE + sizeof(struct exec_identity)];
	struct path_buffer path;
};

/* Writer: exec only, one exec a CPU at a time (tracing programs do not nest on themselves). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

static __always_inline void header__fill(struct event_header *header, __u16 kind, __u32 size)
{
	header->kind = kind;
	header->cpu = bpf_get_smp_processor_id();
	header->size = size;
	header->ktime = bpf_ktime_get_boot_ns();
}

static __always_inline __u32 exec__append_filename(struct exec_scratch *scratch,
						   struct linux_binprm *bprm)
{
	long size = bpf_probe_read_kernel_str(scratch->payload, PATH_SIZE,
					      bprm->filename);

	if (size < 1)
		return 0;
	if (size == PATH_SIZE)
		scratch->event.flags |= EXEC_PATH_CUT;
	return (size - 1) & (PATH_SIZE - 1);
}

static long data__step(__u32 index, void *context)
{
	struct exec_scratch *scratch = *(struct exec_scratch **)context;
	struct exec_data *data = &scratch->data;
	struct data_event *event = (void *)scratch->payload;
	__u32 size = data->left;

	if (size > DATA_PART)
		size = DATA_PART;
	size = BOUNDED(size, 2 * DATA_PART - 1);
	if (bpf_probe_read_user(scratch->payload + sizeof(*event), size, (void *)data->from)) {
		data->failed = 1;
		return 1;
	}
	header__fill(&event->header, EVENT_DATA, sizeof(*event) + size);
	event->process = scratch->event.process;
	event->what = data->what;
	event->at = data->sent;
	if (!events__write_data(event, sizeof(*event) + size))
		return 1;
	data->from += size;
	data->sent += size;
	data->left -= size;
	return data->left == 0;
}

/*
 * Sends what the process has from `start` to `end` in as many parts as that takes; the payload must not
 * be in use. How many bytes went out. `cut` and `error`: flags of the event for what did not.
 */
static __always_inline __u32 exec__send(struct exec_scratch *scratch, __u32 what,
					unsigned long start, unsigned long end, __u32 cut,
					__u32 error)
{
	struct exec_data *data = &scratch->data;
	unsigned long size = end - start;

	data->from = start;
	data->left = size > ARGS_MAX ? ARGS_MAX : size;
	data->sent = data->failed = 0;
	data->what = what;
	bpf_loop((ARGS_MAX + DATA_PART - 1) / DATA_PART, data__step, &scratch, 0);
	if (data->failed)
		scratch->event.flags |= error;
	else if (data->sent != size)
		scratch->event.flags |= cut;
	return data->sent;
}

/* Before anything is in the payload: what of argv and the environment goes out on its own. */
static __always_inline void exec__send_long(struct exec_scratch *scratch, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	unsigned long start = mm->arg_start, end = mm->arg_end;
	struct exec_event *event = &scratch->event;

	scratch->args_start = start;
	scratch->args_end = end;
	event->args_data = event->env_data = 0;
	if (end - start > ARGS_SIZE - 1)
		event->args_data = exec__send(scratch, DATA_ARGS, start, end, EXEC_ARGS_CUT,
					      EXEC_ARGS_ERROR);
	if (!(process_state.asked & ASKED_ENVIRONMENT))
		return;
	start = mm->env_start;
	end = mm->env_end;
	if (end > start)
		event->env_data = exec__send(scratch, DATA_ENVIRONMENT, start, end, EXEC_ENV_CUT,
					     EXEC_ENV_ERROR);
}

/* The argv, or as much of it as there is room for where it could not be sent on its own. */
static __always_inline __u32 exec__append_args(struct exec_scratch *scratch, __u32 at)
{
	unsigned long start = scratch->args_start, size = scratch->args_end - start;

	if (scratch->event.args_data)
		return 0;
	if (size > ARGS_SIZE - 1)
		size = ARGS_SIZE - 1;
	size = BOUNDED(size, ARGS_SIZE - 1);
	if (bpf_probe_read_user(scratch->payload + BOUNDED(at, PATH_SIZE - 1), size, (void *)start)) {
		scratch->event.flags |= EXEC_ARGS_ERROR;
		return 0;
	}
	return size;
}

static __always_inline __u32 exec__append_cwd(struct exec_scratch *scratch, __u32 at,
					      struct task_struct *task)
{
	struct path_buffer *path = &scratch->path;
	__u32 size;

	path__find_cwd(path);
	size = BOUNDED(path__size(path), PATH_SIZE - 1);
	if (path->walk.cut)
		scratch->event.flags |= EXEC_CWD_CUT;
	if (size == 1)
		scratch->event.flags |= EXEC_CWD_ROOT;
	bpf_probe_read_kernel(scratch->payload + BOUNDED(at, 2 * PATH_SIZE - 1), size,
			      path__bytes(path));
	return size;
}

static __always_inline __u32 exec__append_cgroup(struct exec_scratch *scratch, __u32 at,
						 struct task_struct *task)
{
	const char *name = task->cgroups->dfl_cgrp->kn->name;
	long size = bpf_probe_read_kernel_str(scratch->payload + BOUNDED(at, 4 * PATH_SIZE - 1),
					      CGROUP_NAME_SIZE, name);

	return size < 1 ? 0 : (size - 1) & (CGROUP_NAME_SIZE - 1);
}

static __always_inline void exec__fill_credentials(struct exec_event *event,
						   struct task_struct *task)
{
	const struct cred *cred = task->cred;

	event->uid = cred->euid.val;
	event->user_ns = cred->user_ns->ns.inum;
	event->auid = task->loginuid.val;
}

#define MODE_SETUID 04000
#define MODE_SETGID 02000

/*
 * How the program made its process more powerful. The kernel notes in per_clear that a program is set-id,
 * or that the process has capabilities by it that it had not.
 */
static __always_inline __u32 identity__raised(struct exec_identity *identity,
					      struct linux_binprm *bprm)
{
	struct inode *inode = bprm->file->f_inode;
	__u16 mode = inode->i_mode;
	__u32 raised = 0;

	if (!bprm->per_clear)
		return 0;
	if (mode & MODE_SETUID && identity->euid != identity->uid &&
	    identity->euid == inode->i_uid.val)
		raised |= RAISED_SETUID;
	if (mode & MODE_SETGID && identity->egid != identity->gid &&
	    identity->egid == inode->i_gid.val)
		raised |= RAISED_SETGID;
	if (!(mode & (MODE_SETUID | MODE_SETGID)) && identity->euid != 0)
		raised |= RAISED_FILE_CAPABILITIES;
	return raised;
}

_Static_assert(sizeof(((struct exec_identity *)0)->namespaces) / 4 == NAMESPACE_USER + 1,
	       "exec_identity has not all namespaces");

/* Behind the text, of which there are `at` bytes. */
static __always_inline __u32 exec__append_identity(struct exec_scratch *scratch, __u32 at,
						   struct task_struct *task,
						   struct linux_binprm *bprm)
{
	struct exec_identity *identity = &scratch->identity;
	const struct cred *cred = task->cred;
	struct inode *inode = bprm->file->f_inode;

	bpf_core_read(&identity->permitted, 8, &cred->cap_permitted);
	bpf_core_read(&identity->effective, 8, &cred->cap_effective);
	bpf_core_read(&identity->inheritable, 8, &cred->cap_inheritable);
	identity->uid = cred->uid.val;
	identity->gid = cred->gid.val;
	identity->euid = cred->euid.val;
	identity->egid = cred->egid.val;
	identity->suid = cred->suid.val;
	identity->sgid = cred->sgid.val;
	identity->fsuid = cred->fsuid.val;
	identity->fsgid = cred->fsgid.val;
	identity->securebits = cred->securebits;
	identity->raised = identity__raised(identity, bprm);
	identity->inode = inode->i_nlink ? 0 : inode->i_ino;
#pragma unroll
	for (__u32 part = 0; part <= NAMESPACE_USER; part++)
		identity->namespaces[part] = namespace__inode(task, part);
	scratch->event.flags |= EXEC_IDENTITY;
	bpf_probe_read_kernel(scratch->payload + BOUNDED(at, 4 * PATH_SIZE - 1), sizeof(*identity),
			      identity);
	return sizeof(*identity);
}

static __always_inline void exec__emit(struct exec_scratch *scratch, struct process_info *info,
				       struct task_struct *task, struct linux_binprm *bprm)
{
	struct exec_event *event = &scratch->event;
	__u32 at, size;

	event->process = info->key;
	event->parent = info->parent;
	event->cgroup_id = bpf_get_current_cgroup_id();
	event->flags = info->flags & (EXEC_CLONED | EXEC_IN_INIT_TREE);
	event->tid = task->pid;
	event->nspid = task__nspid(task);
	event->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
	exec__fill_credentials(event, task);
	exec__send_long(scratch, task);
	at = event->filename_size = exec__append_filename(scratch, bprm);
	event->args_size = exec__append_args(scratch, at);
	at += event->args_size;
	event->cwd_size = exec__append_cwd(scratch, at, task);
	at += event->cwd_size;
	event->cgroup_size = exec__append_cgroup(scratch, at, task);
	at += event->cgroup_size;
	if (process_state.asked & ASKED_IDENTITY)
		at += exec__append_identity(scratch, at, task, bprm);
	size = sizeof(*event) + at;
	if (size > sizeof(*event) + EXEC_PAYLOAD_MAX)
		return; /* cannot be: each part is bounded above */
	header__fill(&event->header, EVENT_EXEC, size);
	events__write(event, size, EVENT_LOSSES(EXEC));
}

#endif
