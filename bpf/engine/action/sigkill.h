/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kills the process before it returns to user space. */
#ifndef GUARDBEE_ENGINE_ACTION_SIGKILL_H
#define GUARDBEE_ENGINE_ACTION_SIGKILL_H

#include "../call.h"

/* None when no signal reaches it, as in signal__run. */
static __always_inline enum outcome sigkill__run(struct call *call, struct operation *operation)
{
	return bpf_send_signal(9) ? OUTCOME_NONE : OUTCOME_STOPPED;
}

#endif
