/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Leaves for the policy's enforcers what they do: `arg` is a signal, << 16, and an errno. */
#ifndef GUARDBEE_ENGINE_ACTION_NOTIFY_ENFORCER_H
#define GUARDBEE_ENGINE_ACTION_NOTIFY_ENFORCER_H

#include "../notice.h"

/* Where there is no room for it the process ends at once: nothing is let through. */
static __always_inline enum outcome notify_enforcer__run(struct call *call,
							 struct operation *operation)
{
	__s16 error = -(operation->arg & 0xffff);

	if (notice__leave(call, error, operation->arg >> 16))
		return OUTCOME_STOPPED;
	losses__count(LOSS_NOTICE_FULL);
	return bpf_send_signal(9) ? OUTCOME_NONE : OUTCOME_STOPPED;
}

#endif
