/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a function returns whose entry has another program of ours: completes the events that wait for
 * it. Both run in one trampoline, so the registers are in the same place of the stack.
 */
#ifndef GUARDBEE_ATTACH_RETURNED_H
#define GUARDBEE_ATTACH_RETURNED_H

#include "../engine/returned.h"
#include "trampoline.h"

static __always_inline void returned__hook(void *context)
{
	struct call call = {};

	call.slot = engine_state.active & 1;
	call.task = bpf_get_current_task_btf();
	if (!wait__is_any((__u64)context) || !call__take(&call))
		return; /* nothing waits for this call */
	call.scratch->frame = (__u64)context;
	bpf_get_func_ret(context, &call.scratch->result);
	trampoline__take_returned(&call);
	returned__run(&call);
	call__leave(&call);
}

#endif
