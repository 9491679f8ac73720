/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* No longer follows the open file of descriptor `arg`, a reading, when it is the last one. */
#ifndef GUARDBEE_ENGINE_ACTION_UNFOLLOW_FD_H
#define GUARDBEE_ENGINE_ACTION_UNFOLLOW_FD_H

#include "followed.h"

static __always_inline bool file__is_last(struct file *file)
{
	struct file___ref *counted = (void *)file;

	if (bpf_core_field_exists(counted->f_ref))
		return BPF_CORE_READ(counted, f_ref.refcnt.counter) == 0;
	return BPF_CORE_READ(file, f_count.counter) == 1;
}

/* A duplicate of the descriptor keeps the open file, and so keeps it followed. */
static __always_inline enum outcome unfollow_fd__run(struct call *call, struct operation *operation)
{
	struct file *file = followed__file(call, operation);
	__u64 key = (__u64)file, *groups;

	if (!file || !file__is_last(file))
		return OUTCOME_NONE;
	groups = bpf_map_lookup_elem(&followed, &key);
	if (groups)
		__sync_fetch_and_and(groups, ~call->entry->group);
	return OUTCOME_NONE;
}

#endif
