/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a policy leaves for the next call of the current thread that its enforcers hook. */
#ifndef GUARDBEE_ENGINE_NOTICE_H
#define GUARDBEE_ENGINE_NOTICE_H

#include "call.h"

/* That of the policy whose entry is carried out, or NULL. */
static __always_inline struct notice *notice__of(struct call *call, struct notices *all, __u32 set)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < NOTICES_MAX; i++) {
		if (all->of[i].set == set)
			return &all->of[i];
	}
	return NULL;
}

/* False where there is no room for it. */
static __always_inline bool notice__leave(struct call *call, __s16 error, __u16 signal)
{
	struct notices *all = bpf_task_storage_get(&notices, call->task, 0,
						   BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct notice *own;

	if (!all)
		return false;
	own = notice__of(call, all, call->entry->set);
	if (!own)
		own = notice__of(call, all, 0);
	if (!own)
		return false;
	own->set = call->entry->set;
	own->error = error;
	own->signal = signal;
	return true;
}

/* Whether there was one; then it is in `taken`, and left no more. */
static __always_inline bool notice__take(struct call *call, struct notice *taken)
{
	struct notices *all = bpf_task_storage_get(&notices, call->task, 0, 0);
	struct notice *own;

	if (!all)
		return false;
	own = notice__of(call, all, call->entry->set);
	if (!own)
		return false;
	*taken = *own;
	own->set = 0;
	return true;
}

#endif
