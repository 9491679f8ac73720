/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process was when it last executed a program, or was made: its capabilities and namespaces. Noted
 * while some policy asks for changes; who ran before is compared with what it was when it was first seen.
 */
#ifndef GUARDBEE_IDENTITY_H
#define GUARDBEE_IDENTITY_H

#include "namespaces.h"
#include "process/info.h"

#define NAMESPACE_PARTS 10

/* Not inlined: its part of the stack is free again when it is done. */
static __noinline void identity__read(struct identity *to, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	bpf_core_read(&to->sets[0], 8, &cred->cap_effective);
	bpf_core_read(&to->sets[1], 8, &cred->cap_inheritable);
	bpf_core_read(&to->sets[2], 8, &cred->cap_permitted);
#pragma unroll
	for (__u32 part = 0; part < NAMESPACE_PARTS; part++)
		to->namespaces[part] = namespace__inode(task, part);
}

/* Notes what `task` is, in the record of its process; `leader`: of its thread group. */
static __always_inline struct identity *identity__note(struct task_struct *leader,
							struct task_struct *task)
{
	struct identity *identity =
		bpf_task_storage_get(&identities, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!identity) {
		losses__count(LOSS_PROCESS_STORAGE);
		return NULL;
	}
	identity__read(identity, task);
	identity->image = task__image(leader);
	return identity;
}

/* What the process of `task`, which is the current one, was before. NULL only without memory. */
static __always_inline struct identity *identity__before(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct identity *identity = bpf_task_storage_get(&identities, leader, 0, 0);

	if (identity && identity->image == task__image(leader))
		return identity;
	return identity__note(leader, task);
}

#endif
