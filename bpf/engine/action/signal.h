/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends the process a signal, of number `arg`, before it returns to user space. */
#ifndef GUARDBEE_ENGINE_ACTION_SIGNAL_H
#define GUARDBEE_ENGINE_ACTION_SIGNAL_H

#include "../call.h"

/* None when no signal reaches it: it is ending already, or the host's pid 1. */
static __always_inline enum outcome signal__run(struct call *call, struct operation *operation)
{
	return bpf_send_signal(operation->arg) ? OUTCOME_NONE : OUTCOME_STOPPED;
}

#endif
