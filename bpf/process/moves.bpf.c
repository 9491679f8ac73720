// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Notices who takes a process out of its pod's cgroup: by cgroup.procs, or in whichever way the kernel
 * comes to cgroup_attach_task(), of which there is one at a time: it holds cgroup_mutex.
 */
#include "moves.h"

SEC("fentry/cgroup_attach_task")
int BPF_PROG(cgroup_leave, struct cgroup *to, struct task_struct *task)
{
	struct cgroup *cgroup = task__cgroup(task);

	move_state.leaving_pod = cgroup__pod(cgroup);
	move_state.leaving_cgroup = BPF_CORE_READ(cgroup, kn, id);
	return 0;
}

SEC("fexit/cgroup_attach_task")
int BPF_PROG(cgroup_moved, struct cgroup *to, struct task_struct *task, bool threadgroup, int result)
{
	struct cgroup *cgroup = task__cgroup(task);
	__u64 pod = move_state.leaving_pod;

	move_state.leaving_pod = 0; /* if the next call's beginning is not seen */
	if (result || !pod || cgroup__pod(cgroup) == pod || moves__is_of_host(task))
		return 0;
	moves__note(task, move_state.leaving_cgroup, BPF_CORE_READ(cgroup, kn, id));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
