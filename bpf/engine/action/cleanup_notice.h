/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes back what the policy has left for its enforcers. */
#ifndef GUARDBEE_ENGINE_ACTION_CLEANUP_NOTICE_H
#define GUARDBEE_ENGINE_ACTION_CLEANUP_NOTICE_H

#include "../notice.h"

static __always_inline enum outcome cleanup_notice__run(struct call *call,
							struct operation *operation)
{
	struct notice taken;

	notice__take(call, &taken);
	return OUTCOME_NONE;
}

#endif
