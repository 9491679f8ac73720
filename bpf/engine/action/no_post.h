/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports nothing of the call. */
#ifndef GUARDBEE_ENGINE_ACTION_NO_POST_H
#define GUARDBEE_ENGINE_ACTION_NO_POST_H

#include "../call.h"

static __always_inline enum outcome no_post__run(struct call *call, struct operation *operation)
{
	return OUTCOME_SILENT;
}

#endif
