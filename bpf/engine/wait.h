/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An event that says what its call returned: written before the call, it waits in a map until the
 * program at the call's other end takes it.
 */
#ifndef GUARDBEE_ENGINE_WAIT_H
#define GUARDBEE_ENGINE_WAIT_H

#include "../wait_room.h"
#include "call.h"

/* Whether an event waits for the call whose registers are at `frame`. */
static __always_inline bool wait__is_any(__u64 frame)
{
	struct waiting_key key = {.frame = frame, .point = spec.point};

	return bpf_map_lookup_elem(&waiting_events, &key);
}

/* Whether the process is to be stopped when nobody can tell what its call returns. Says so, if not. */
static __always_inline bool wait__closes(struct call *call)
{
	if (!(spec.use & USE_ENFORCE) || !(call->entry->flags & ACT_STOPS_LATER))
		return false;
	call__spare(call, call->info); /* asked for before: making it takes much stack */
	return !(call->scratch->said & HOOK_MONITORED);
}

/* What is done about a call that nobody can wait for. Whether its process was stopped. */
static __always_inline bool wait__close(struct call *call)
{
	struct call_scratch *scratch = call->scratch;
	const __u32 before = scratch->said;
	bool stopped;

	scratch->said = 0;
	stopped = wait__closes(call) && !bpf_send_signal(9);
	if (stopped)
		scratch->said = HOOK_STOPPED;
	if (!before && scratch->said)
		call__count(call, call->entry->hook);
	scratch->event.flags |= scratch->said;
	return stopped;
}

static __always_inline __u32 wait__flags(struct call *call)
{
	const __u32 said = call->scratch->said;
	__u32 flags = call->scratch->outcome & OUTCOME_SILENT ? WAITING_SILENT : 0;

	if (wait__closes(call))
		flags |= WAITING_CLOSES;
	call->scratch->said = said; /* of what was done before the call */
	return flags;
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
	waiting->flags = wait__flags(call);
	if (!wait_room__add(&key, waiting, scratch->event.header.size > WAITING_SIZE)) {
		losses__count(LOSS_RETURN_FULL);
		return false;
	}
	scratch->waits++;
	return true;
}

#endif
