// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Follows every process from fork to exit, and forgets the class of a cgroup that is gone. */
#include "../identity.h"
#include "exec_event.h"
#include "moves.h"

/*
 * Thread group whose leader is gone while others of its threads live -> its record, which goes with the
 * leader's task when one of them execs. ktime: the start of the group. The least used entries go.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct process_key);
	__type(value, struct process_info);
} leaderless SEC(".maps");

/* For a parent that ran before tracking did. Writer: fork only, one a CPU at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct path_buffer);
} fork_scratch SEC(".maps");

static __always_inline struct process_key task__group_key(struct task_struct *task)
{
	struct process_key key = {};

	key.pid = task->tgid;
	key.ktime = task->start_boottime;
	return key;
}

/* The record of a task that took over from its thread group's leader; NULL: it did not. */
static __always_inline struct process_info *info__take_over(struct task_struct *task)
{
	struct process_key group = task__group_key(task);
	struct process_info *info, *from = bpf_map_lookup_elem(&leaderless, &group);

	if (!from)
		return NULL;
	info = bpf_task_storage_get(&process, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (info)
		__builtin_memcpy(info, from, sizeof(*info));
	bpf_map_delete_elem(&leaderless, &group);
	return info;
}

/* A thread that execs becomes its group's leader: with the same start, but with no record. */
static __always_inline void info__keep_for_others(struct task_struct *leader)
{
	struct process_info *info = bpf_task_storage_get(&process, leader, 0, 0);
	struct process_key group = task__group_key(leader);

	if (info)
		bpf_map_update_elem(&leaderless, &group, info, BPF_ANY);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct exec_scratch *scratch;
	struct process_info *info;
	__u32 zero = 0, nspid;

	scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!scratch)
		return 0; /* cannot be: the array has this entry */
	info = bpf_task_storage_get(&process, task, 0, 0);
	if (!info)
		info = info__take_over(task);
	if (!info) {
		info = info__of(bpf_get_current_task_btf(), &scratch->path);
		if (!info)
			return 0; /* counted there */
	} else {
		if (info->image != task__image(task)) /* nobody has noted it meanwhile */
			executable__copy(&info->parent_binary, &info->binary);
		if (!(info->flags & EXEC_CLONED))
			info->parent = info->key;
	}
	info->key.ktime = bpf_ktime_get_boot_ns();
	nspid = task__nspid(task);
	if (nspid == 1)
		info->flags |= EXEC_IN_INIT_TREE;
	info__set_binary(info, &scratch->path);
	info__set_protected(info, task, nspid);
	info__set_of_host(info, task);
	info->flags &= ~(PROCESS_SENT | PROCESS_RENEWED);
	info->image = task__image(task);
	if (engine_state.notes_identity)
		identity__note(task, task);
	exec__emit(scratch, info, task, bprm);
	/* the kernel has given it descriptors of its own */
	info->flags &= ~(EXEC_CLONED | PROCESS_LATE | PROCESS_AGENT | PROCESS_SHARES_FILES);
	return 0;
}

/* Who forks is the current process. NULL only without memory. */
static __always_inline struct process_info *fork__parent(struct task_struct *parent)
{
	__u32 zero = 0;
	struct path_buffer *buffer = bpf_map_lookup_elem(&fork_scratch, &zero);

	return buffer ? info__of(parent, buffer) : NULL;
}

/* clone3() starts a process in whatever cgroup its caller may write to. */
static __always_inline void fork__note_move(struct task_struct *parent, struct task_struct *child,
					    struct process_info *info)
{
	struct cgroup *from, *to;
	__u64 pod;

	if (child->cgroups == parent->cgroups || info->flags & PROCESS_OF_HOST)
		return;
	from = task__cgroup(parent);
	to = task__cgroup(child);
	pod = cgroup__pod(from);
	if (pod && pod != cgroup__pod(to))
		moves__note(child, BPF_CORE_READ(from, kn, id), BPF_CORE_READ(to, kn, id));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_info *info, *from;
	struct clone_event event = {};

	if (child->pid != child->tgid)
		return 0; /* a thread of the same process */
	info = bpf_task_storage_get(&process, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!info) {
		losses__count(LOSS_PROCESS_STORAGE);
		return 0;
	}
	from = fork__parent(parent);
	if (from) {
		executable__copy(&info->binary, &from->binary);
		info->flags = from->flags;
		info->image = from->image;
		info->parent = from->key;
	} else {
		info->parent.pid = parent->tgid;
		info->parent.ktime = parent->group_leader->start_boottime;
	}
	if (!info->image)
		info->image = task__image(child); /* so that what it execs is found, should process_exec miss it */
	if (engine_state.notes_identity)
		identity__note(child, child);
	event.nspid = task__nspid(child);
	info->flags &= EXEC_IN_INIT_TREE | PROCESS_PROTECTED | PROCESS_OF_HOST;
	info->flags |= EXEC_CLONED;
	if (child->files == parent->files) {
		info->flags |= PROCESS_SHARES_FILES;
		if (from)
			__sync_fetch_and_or(&from->flags, PROCESS_SHARES_FILES);
	}
	if (event.nspid == 1)
		info->flags |= EXEC_IN_INIT_TREE;
	if (event.nspid != 0)
		info->flags &= ~PROCESS_PROTECTED;
	info->key.pid = child->tgid;
	info->key.ktime = child->start_boottime;
	event.process = info->key;
	event.parent = info->parent;
	event.cgroup_id = child->cgroups->dfl_cgrp->kn->id;
	if (info->flags & PROCESS_OF_HOST && scope__class() == SCOPE_HOST)
		info->flags |= PROCESS_SENT;
	fork__note_move(parent, child, info);
	event.tid = child->pid;
	event.uid = child->cred->euid.val;
	event.flags = info->flags & EXEC_IN_INIT_TREE;
	header__fill(&event.header, EVENT_CLONE, sizeof(event));
	events__write(&event, sizeof(event), EVENT_LOSSES(CLONE));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct exit_event event = {};
	struct process_info *info;

	if (task->signal->live.counter != 0) {
		if (task->pid == task->tgid)
			info__keep_for_others(task);
		return 0; /* other threads of the process live on */
	}
	info = bpf_task_storage_get(&process, task->group_leader, 0, 0);
	if (!info)
		return 0; /* a kernel thread, or started before tracking and never seen since */
	if (__sync_fetch_and_or(&info->flags, PROCESS_EXITED) & PROCESS_EXITED)
		return 0; /* two last threads at once: one has reported */
	event.process = info->key;
	event.tid = task->pid;
	event.code = task->exit_code;
	header__fill(&event.header, EVENT_EXIT, sizeof(event));
	events__write(&event, sizeof(event), EVENT_LOSSES(EXIT));
	return 0;
}

/* A pod is gone: what counts for it others may have. The agent deletes what is empty. */
static __always_inline void shares__note_end(__u64 pod)
{
#pragma clang loop unroll(disable)
	for (__u32 table = 0; table < SHARED_TABLES; table++) {
		struct share_key key = {.pod = pod, .table = table};
		struct table_share *share = bpf_map_lookup_elem(&table_shares, &key);

		if (share)
			share->refused = 0;
	}
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_gone, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	struct follow_share *share = bpf_map_lookup_elem(&follow_shares, &id);

	bpf_map_delete_elem(&cgroup_class, &id);
	shares__note_end(id);
	if (share) {
		/* what its processes had open, others may have; the agent deletes what is empty */
		share->over_share = share->over_table = 0;
		share->groups = share->lost = 0;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
