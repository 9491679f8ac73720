/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does what another action of the policy has left for this call, and reports nothing itself. */
#ifndef GUARDBEE_ENGINE_ACTION_ENFORCE_H
#define GUARDBEE_ENGINE_ACTION_ENFORCE_H

#include "../notice.h"

/* In monitor mode nothing is done, also where it was left before. Of several policies the first decides. */
static __always_inline enum outcome enforce__run(struct call *call, struct operation *operation)
{
	struct notice notice = {};

	if (!notice__take(call, &notice) || call->entry->flags & ACT_MONITORED)
		return OUTCOME_SILENT;
	if (notice.signal)
		bpf_send_signal(notice.signal);
	if (notice.error && call->override == 0)
		call->override = notice.error;
	return OUTCOME_SILENT;
}

#endif
