/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows the open file of reading `arg` through all its descriptors. */
#ifndef GUARDBEE_ENGINE_ACTION_FOLLOW_FD_H
#define GUARDBEE_ENGINE_ACTION_FOLLOW_FD_H

#include "../../follow.h"
#include "../arg.h"

/*
 * There is no room for the file. Where calls on it are to be stopped nobody may have it, so the
 * process ends before it has: the hook runs before the descriptor is there.
 */
static __always_inline enum outcome follow_fd__close(struct call *call)
{
	struct process_info *info = call->info; /* asked for before: making it takes much stack */
	__u32 flags = call->entry->flags;
	__u64 group = call->entry->group, lost = 0;

	if (flags & ACT_CLOSES)
		call__spare(call, info);
	if (flags & ACT_CLOSES && !(call->scratch->said & HOOK_MONITORED) &&
	    (!info || info->flags & PROCESS_SHARES_FILES))
		lost = group;
	losses__count(LOSS_FOLLOW_FULL);
	follow__refuse(group, lost);
	if (!(flags & ACT_CLOSES) || call->scratch->said & HOOK_MONITORED)
		return OUTCOME_NONE;
	return bpf_send_signal(9) ? OUTCOME_NONE : OUTCOME_STOPPED;
}

static __always_inline enum outcome follow_fd__run(struct call *call, struct operation *operation)
{
	const volatile struct reading *reading =
		&spec.readings[operation->arg & (READINGS_MAX - 1)];
	__u64 file = (__u64)arg__file(call, reading);

	if (!file || follow__add(file, call->entry->group))
		return OUTCOME_NONE; /* nothing was opened, or it is followed */
	return follow_fd__close(call);
}

#endif
