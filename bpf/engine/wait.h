/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An event that says what its call returned: written before the call, it waits in a map until the
 * program at the call's other end takes it.
 */
#ifndef GUARDBEE_ENGINE_WAIT_H
#define GUARDBEE_ENGINE_WAIT_H

#include "call.h"

/* Whether an event waits for the call whose registers are at `frame`. */
static __always_inline bool wait__is_any(__u64 frame)
{
	struct waiting_key key = {.frame = frame, .point = spec.point};

	return bpf_map_lookup_elem(&waiting_events, &key);
}

/* Has the event in the scratch wait; false, and counted, when there is no room. */
static __always_inline bool wait__begin(struct call *call)
{
	struct call_scratch *scratch = call->scratch;
	struct waiting_key key = {.frame = scratch->frame, .point = spec.point,
				  .number = scratch->waits};
	struct waiting *waiting = &scratch->waiting;

	if (scratch->waits == 0)
		waiting->call = scratch->event.header.ktime;
	waiting->task = call->task->pid;
	waiting->generation = engine_state.binary_generation[call->slot & 1];
	waiting->bit = scratch->bit;
	waiting->zero = 0;
	if (scratch->event.header.size > WAITING_SIZE &&
	    bpf_map_update_elem(&waiting_large, &key, &scratch->event, BPF_ANY)) {
		losses__count(LOSS_RETURN_FULL);
		return false;
	}
	if (bpf_map_update_elem(&waiting_events, &key, waiting, BPF_ANY)) {
		losses__count(LOSS_RETURN_FULL);
		return false;
	}
	scratch->waits++;
	return true;
}

#endif
