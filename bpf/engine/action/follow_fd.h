/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows the open file of reading `arg` through all its descriptors. */
#ifndef GUARDBEE_ENGINE_ACTION_FOLLOW_FD_H
#define GUARDBEE_ENGINE_ACTION_FOLLOW_FD_H

#include "../arg.h"

static __always_inline enum outcome follow_fd__run(struct call *call, struct operation *operation)
{
	const volatile struct reading *reading =
		&spec.readings[operation->arg & (READINGS_MAX - 1)];
	__u64 file = (__u64)arg__file(call, reading), *groups, none = 0;

	if (!file)
		return OUTCOME_NONE; /* nothing was opened */
	groups = bpf_map_lookup_elem(&followed, &file);
	if (!groups) {
		bpf_map_update_elem(&followed, &file, &none, BPF_NOEXIST);
		groups = bpf_map_lookup_elem(&followed, &file);
	}
	if (groups)
		__sync_fetch_and_or(groups, call->entry->group);
	else
		losses__count(LOSS_FOLLOW_FULL);
	return OUTCOME_NONE;
}

#endif
