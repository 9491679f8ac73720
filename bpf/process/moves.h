/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that are taken out of their pods: what is noted for the agent. */
#ifndef GUARDBEE_PROCESS_MOVES_H
#define GUARDBEE_PROCESS_MOVES_H

#include "../maps.h"

#define MOVES_LEVELS 16	/* of cgroups above one, in which its pod is looked for */

static __always_inline struct cgroup *task__cgroup(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

/*
 * The cgroup id of the pod that a cgroup is of: what is right below the nearest one above it in which
 * the runtime makes pods. 0: it is of none. Not inlined, so the verifier walks it once a program.
 */
static __noinline __u64 cgroup__pod(struct cgroup *cgroup)
{
	__u64 below = 0;

	for (__u32 level = 0; level < MOVES_LEVELS; level++) {
		__u64 id;
		__u32 *class;

		if (!cgroup)
			break;
		id = BPF_CORE_READ(cgroup, kn, id);
		class = bpf_map_lookup_elem(&cgroup_class, &id);
		if (class && *class == SCOPE_UNKNOWN_POD)
			return below;
		below = id;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return 0;
}

/* Notes that the current process has taken `task` from the cgroup `from` to another. */
static __always_inline void moves__note(struct task_struct *task, __u64 from, __u64 to)
{
	struct task_struct *mover = bpf_get_current_task_btf();
	__u64 at = __sync_fetch_and_add(&move_state.noted, 1) & (MOVES_KEPT - 1);
	volatile struct move *move = &move_state.last[at];

	move->from = from;
	move->to = to;
	move->pid = BPF_CORE_READ(task, tgid);
	move->mover = BPF_CORE_READ(mover, tgid);
	bpf_probe_read_kernel_str((char *)move->name, sizeof(move->name), task->comm);
	bpf_get_current_comm((char *)move->mover_name, sizeof(move->mover_name));
	__sync_fetch_and_add(&move_state.count, 1);
}

/*
 * Whether a process that is in its pod is the runtime's, not the pod's: a container's init before it
 * runs the container's program.
 */
static __always_inline bool moves__is_of_host(struct task_struct *task)
{
	struct process_info *info = bpf_task_storage_get(&process, task->group_leader, 0, 0);

	return info && info->flags & PROCESS_OF_HOST;
}

#endif
