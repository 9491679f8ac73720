/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables of events that wait, of which no pod may take the room of the others. */
#ifndef GUARDBEE_WAIT_ROOM_H
#define GUARDBEE_WAIT_ROOM_H

#include "share.h"

/* Frees what an event has. */
static __always_inline void wait_room__forget(struct waiting_key *key)
{
	struct waiting_event *event = bpf_map_lookup_elem(&waiting_events, key);
	__u32 size;
	__u64 pod;

	if (!event)
		return;
	pod = event->waiting.pod;
	size = ((struct hook_event *)event->event)->header.size;
	if (size > WAITING_SIZE && !bpf_map_delete_elem(&waiting_large, key))
		share__give(pod, SHARED_WAITING_LARGE);
	if (!bpf_map_delete_elem(&waiting_events, key))
		share__give(pod, SHARED_WAITING);
}

/* Has a large event wait, which is behind `waiting`, beside its entry in the other table. */
static __always_inline bool wait_room__add_large(struct waiting_key *key, struct waiting *waiting)
{
	if (!share__take(waiting->pod, SHARED_WAITING_LARGE, WAITING_LARGE_OF_POD))
		return false;
	if (!bpf_map_update_elem(&waiting_large, key, waiting + 1, BPF_NOEXIST))
		return true;
	share__give(waiting->pod, SHARED_WAITING_LARGE);
	return false;
}

/*
 * Has the event behind `waiting` wait, which counts for the current pod; false where there is no room
 * for it. Of an earlier call at the same place the return went unseen: what it left goes.
 */
static __always_inline bool wait_room__add(struct waiting_key *key, struct waiting *waiting,
					 bool is_large)
{
	wait_room__forget(key);
	waiting->pod = share__pod();
	if (!share__take(waiting->pod, SHARED_WAITING, WAITING_OF_POD))
		return false;
	if (bpf_map_update_elem(&waiting_events, key, waiting, BPF_NOEXIST)) {
		share__give(waiting->pod, SHARED_WAITING);
		return false;
	}
	if (!is_large || wait_room__add_large(key, waiting))
		return true;
	wait_room__forget(key);
	return false;
}

#endif
