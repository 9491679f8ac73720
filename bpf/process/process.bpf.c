// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Follows every process from fork to exit, and forgets the class of a cgroup that is gone. */
#include "info.h"

#include "../events.h"
#include "../scope.h"

/* An exec event's payload, in this order: filename, argv, cwd, cgroup name. */
#define EXEC_PAYLOAD_MAX (PATH_SIZE + ARGS_SIZE + PATH_SIZE + CGROUP_NAME_SIZE)

struct exec_scratch {
	struct exec_event event;
	char payload[4 * PATH_SIZE + CGROUP_NAME_SIZE]; /* offsets are masks to the verifier */
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
					      BPF_CORE_READ(bprm, filename));

	if (size < 1)
		return 0;
	if (size == PATH_SIZE)
		scratch->event.flags |= EXEC_PATH_CUT;
	return (size - 1) & (PATH_SIZE - 1);
}

static __always_inline __u32 exec__append_args(struct exec_scratch *scratch, __u32 at,
					       struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long size = BPF_CORE_READ(task, mm, arg_end) - start;

	if (size > ARGS_SIZE - 1) {
		size = ARGS_SIZE - 1;
		scratch->event.flags |= EXEC_ARGS_CUT;
	}
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
	struct path_text text = path__write(&scratch->path, &BPF_CORE_READ(task, fs)->pwd);
	__u32 size = BOUNDED(text.size, PATH_SIZE - 1);

	if (text.cut)
		scratch->event.flags |= EXEC_CWD_CUT;
	if (size == 1)
		scratch->event.flags |= EXEC_CWD_ROOT;
	bpf_probe_read_kernel(scratch->payload + BOUNDED(at, 2 * PATH_SIZE - 1), size,
			      scratch->path.text + BOUNDED(text.start, PATH_SIZE - 1));
	return size;
}

static __always_inline __u32 exec__append_cgroup(struct exec_scratch *scratch, __u32 at,
						 struct task_struct *task)
{
	const char *name = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, name);
	long size = bpf_probe_read_kernel_str(scratch->payload + BOUNDED(at, 4 * PATH_SIZE - 1),
					      CGROUP_NAME_SIZE, name);

	return size < 1 ? 0 : (size - 1) & (CGROUP_NAME_SIZE - 1);
}

static __always_inline void exec__fill_credentials(struct exec_event *event,
						   struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	event->uid = BPF_CORE_READ(cred, euid.val);
	bpf_core_read(&event->cap_permitted, 8, &cred->cap_permitted);
	bpf_core_read(&event->cap_effective, 8, &cred->cap_effective);
	bpf_core_read(&event->cap_inheritable, 8, &cred->cap_inheritable);
	event->user_ns = BPF_CORE_READ(cred, user_ns, ns.inum);
	event->auid = BPF_CORE_READ(task, loginuid.val);
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
	event->tid = BPF_CORE_READ(task, pid);
	event->nspid = task__nspid(task);
	event->pid_ns = BPF_CORE_READ(task, thread_pid, numbers[0].ns, ns.inum);
	event->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	exec__fill_credentials(event, task);
	at = event->filename_size = exec__append_filename(scratch, bprm);
	event->args_size = exec__append_args(scratch, at, task);
	at += event->args_size;
	event->cwd_size = exec__append_cwd(scratch, at, task);
	at += event->cwd_size;
	event->cgroup_size = exec__append_cgroup(scratch, at, task);
	size = sizeof(*event) + at + event->cgroup_size;
	if (size > sizeof(*event) + EXEC_PAYLOAD_MAX)
		return; /* cannot be: each part is bounded above */
	header__fill(&event->header, EVENT_EXEC, size);
	events__write(event, size, EVENT_LOSSES(EXEC));
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

	info->flags &= ~(PROCESS_OF_HOST | PROCESS_SENT);
	if (scope_state.place == PLACE_NOWHERE)
		return;
	if (scope__class() == SCOPE_HOST || (sent && task__has_host_root(task)))
		info->flags |= PROCESS_OF_HOST;
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
	if (!info) {
		info = info__of(bpf_get_current_task_btf(), &scratch->path);
		if (!info)
			return 0; /* counted there */
	} else if (!(info->flags & EXEC_CLONED)) {
		info->parent = info->key;
	}
	info->key.ktime = bpf_ktime_get_boot_ns();
	nspid = task__nspid(task);
	if (nspid == 1)
		info->flags |= EXEC_IN_INIT_TREE;
	info__set_binary(info, &scratch->path, BPF_CORE_READ(bprm, file));
	info__set_protected(info, task, nspid);
	info__set_of_host(info, task);
	exec__emit(scratch, info, task, bprm);
	/* the kernel has given it descriptors of its own */
	info->flags &= ~(EXEC_CLONED | PROCESS_LATE | PROCESS_AGENT | PROCESS_SHARES_FILES);
	return 0;
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
	from = bpf_task_storage_get(&process, parent->group_leader, 0, 0);
	if (from) {
		__builtin_memcpy(info, from, sizeof(*info));
		info->parent = from->key;
	} else {
		info->parent.pid = parent->tgid;
		info->parent.ktime = BPF_CORE_READ(parent, group_leader, start_boottime);
	}
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
	event.cgroup_id = BPF_CORE_READ(child, cgroups, dfl_cgrp, kn, id);
	if (info->flags & PROCESS_OF_HOST && scope__class() == SCOPE_HOST)
		info->flags |= PROCESS_SENT;
	event.tid = child->pid;
	event.uid = BPF_CORE_READ(child, cred, euid.val);
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

	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0; /* other threads of the process live on */
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

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_gone, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	struct follow_share *share = bpf_map_lookup_elem(&follow_shares, &id);

	bpf_map_delete_elem(&cgroup_class, &id);
	if (share) {
		/* what its processes had open, others may have; the agent deletes what is empty */
		share->over_share = share->over_table = 0;
		share->groups = share->lost = 0;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
