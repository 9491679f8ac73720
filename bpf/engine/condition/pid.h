/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pids, of the host's pid namespace or the container's, and those of its ancestors. */
#ifndef GUARDBEE_ENGINE_CONDITION_PID_H
#define GUARDBEE_ENGINE_CONDITION_PID_H

#include "../lookup.h"

#define PID_TREE_DEPTH 11	/* the process and 10 generations above it, as upstream */

/* number_key.list of a FACET_*PID_TREE */
enum pid_list { PID_IN, PID_NOT_IN };

static __always_inline void pid__match(struct call *call, __u32 dim)
{
	number__match(call, dim, call->task->tgid);
}

static __always_inline void pid__match_nspid(struct call *call, __u32 dim)
{
	number__match(call, dim, task__nspid(call->task));
}

/*
 * In: some generation is listed. NotIn: none is. `nested`: pids are those of the container's
 * namespace, and the generations end where it does.
 */
static __always_inline void pid__match_generations(struct call *call, __u32 dim, const bool nested)
{
	struct task_struct *task = call->task->group_leader;
	__u64 *sum = call__sum(call), *minus = call__minus(call);
	struct pid_namespace *ns = NULL;
	const __u64 *bits;

	bits__copy(call, sum, call__facet_row(call, dim, ROW_OTHERWISE));
	bits__clear(call, minus);
	for (__u32 depth = 0; depth < PID_TREE_DEPTH; depth++) {
		__u32 pid;

		if (nested) {
			struct upid upid;

			task__read_upid(task, &upid);
			if (depth == 0)
				ns = upid.ns;
			else if (upid.ns != ns)
				break;
			pid = upid.nr;
		} else {
			pid = task->tgid;
		}
		bits = number__find(call, dim, PID_IN, pid);
		if (bits)
			bits__add(call, sum, bits);
		bits = number__find(call, dim, PID_NOT_IN, pid);
		if (bits)
			bits__add(call, minus, bits);
		if (pid <= 1)
			break;
		task = task->real_parent;
	}
	bits__subtract(call, sum, minus);
	call__and(call, sum);
}

static __always_inline void pid__match_tree(struct call *call, __u32 dim)
{
	pid__match_generations(call, dim, false);
}

static __always_inline void pid__match_nspid_tree(struct call *call, __u32 dim)
{
	pid__match_generations(call, dim, true);
}

#endif
