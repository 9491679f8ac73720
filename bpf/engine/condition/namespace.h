/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The namespaces that the process is in, by inode number, and whether they are the host's. */
#ifndef GUARDBEE_ENGINE_CONDITION_NAMESPACE_H
#define GUARDBEE_ENGINE_CONDITION_NAMESPACE_H

#include "../../namespaces.h"
#include "../lookup.h"

/* A kernel type of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid_namespace___reaper {
	__u32 level;
	struct ns_common ns;
	struct task_struct *child_reaper;
};

#pragma clang attribute pop

/*
 * number_key.list of FACET_NAMESPACE: what is left in a namespace of that number that is not the
 * host's, and in the host's; there, the number 0 stands for one that is not listed.
 */
enum namespace_list { NAMESPACE_OTHER, NAMESPACE_OF_HOST };

/* The host's pid 1: who takes in the orphans of the outermost pid namespace. */
static __always_inline struct task_struct *namespace__host_init(struct task_struct *task)
{
	struct pid_namespace___reaper *outermost =
		(void *)namespace__of_pid(BPF_CORE_READ(task, thread_pid), 0);

	return BPF_CORE_READ(outermost, child_reaper);
}

static __always_inline void namespace__match(struct call *call, __u32 dim)
{
	struct task_struct *task = call->task; /* CO-RE would relocate `call`, too */
	__u32 part = spec.facets[dim].part, inode = namespace__inode(task, part);
	const __u64 *bits;

	if (inode == 0) {
		call__and_facet(call, dim, ROW_ABSENT);
		return;
	}
	if (inode == namespace__inode(namespace__host_init(task), part)) {
		bits = number__find(call, dim, NAMESPACE_OF_HOST, inode);
		if (!bits)
			bits = number__find(call, dim, NAMESPACE_OF_HOST, 0);
	} else {
		bits = number__find(call, dim, NAMESPACE_OTHER, inode);
	}
	if (bits)
		call__and(call, bits);
	else
		call__and_facet(call, dim, ROW_OTHERWISE);
}

#endif
