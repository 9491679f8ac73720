/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Lets the call return `arg`, -errno, instead of running. */
#ifndef GUARDBEE_ENGINE_ACTION_OVERRIDE_H
#define GUARDBEE_ENGINE_ACTION_OVERRIDE_H

#include "../call.h"

/* Of several policies the first decides. */
static __always_inline enum outcome override__run(struct call *call, struct operation *operation)
{
	if (call->override == 0)
		call->override = operation->arg;
	return OUTCOME_STOPPED;
}

#endif
