/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports the call, only so often as `arg` says. */
#ifndef GUARDBEE_ENGINE_ACTION_POST_H
#define GUARDBEE_ENGINE_ACTION_POST_H

#include "../call.h"

/* Only notes it: what is alike is known once the event is written, see rate.h. */
static __always_inline enum outcome post__run(struct call *call, struct operation *operation)
{
	call->scratch->rate_limit = operation->arg;
	return OUTCOME_NONE;
}

#endif
