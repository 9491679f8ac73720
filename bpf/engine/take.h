/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Takes events that wait out of their map. */
#ifndef GUARDBEE_ENGINE_TAKE_H
#define GUARDBEE_ENGINE_TAKE_H

#include "action.h"
#include "emit.h"

/* Takes event `number` out of the map and into the scratch. False: there are no more of this call. */
static __always_inline bool take__event(struct call *call, __u32 number)
{
	struct call_scratch *scratch = call->scratch;
	struct waiting_key key = {.frame = scratch->frame, .point = spec.point, .number = number};
	struct waiting_event *found = bpf_map_lookup_elem(&waiting_events, &key);
	struct hook_event *event = &scratch->event;
	void *from;
	__u32 size;

	if (!found || found->waiting.task != (__u32)call->task->pid ||
	    (number && found->waiting.call != scratch->waiting.call))
		return false; /* or of an earlier call, whose return went unseen */
	scratch->waiting = found->waiting;
	from = found->event;
	size = ((struct hook_event *)from)->header.size;
	if (size > WAITING_SIZE)
		from = bpf_map_lookup_elem(&waiting_large, &key);
	if (from)
		bpf_probe_read_kernel(event, emit__size(size), from);
	wait_room__forget(&key);
	return from;
}

#endif
