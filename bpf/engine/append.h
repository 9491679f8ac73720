/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an event has behind its arguments. */
#ifndef GUARDBEE_ENGINE_APPEND_H
#define GUARDBEE_ENGINE_APPEND_H

#include "call.h"

/* Where it goes in the event in the scratch; NULL: the arguments fill the event. */
static __always_inline struct event_arg *append__begin(struct call_scratch *scratch)
{
	__u32 at = scratch->event.header.size - sizeof(scratch->event);

	if (at > ARGS_LAST)
		return NULL;
	return (void *)(scratch->args + BOUNDED(at, ARGS_MASK));
}

/* The event has it now: `size` bytes behind `arg`, a multiple of 8. */
static __always_inline void append__end(struct call_scratch *scratch, struct event_arg *arg,
					__u16 flag, __u32 size)
{
	arg->type = 0;
	arg->flags = flag;
	arg->size = size;
	scratch->event.args++;
	scratch->event.header.size += sizeof(*arg) + size;
}

#endif
