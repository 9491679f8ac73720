/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writing to the ring `events`, of which no cgroup may take the room of the others. */
#ifndef GUARDBEE_EVENTS_H
#define GUARDBEE_EVENTS_H

#include "maps.h"

#define EVENTS_HALF (RING_SIZE / 2)
#define EVENTS_SHARE (RING_SIZE / 16)

/*
 * Whether an event of `cgroup` may enter. While the ring is more than half full, each cgroup may add
 * a sixteenth of it every time that the agent has read half of it.
 */
static __always_inline bool events__admit(__u64 cgroup, __u32 size)
{
	struct event_share *share, first = {};
	__u64 period;

	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < EVENTS_HALF)
		return true;
	period = bpf_ringbuf_query(&events, BPF_RB_CONS_POS) / EVENTS_HALF;
	share = bpf_map_lookup_elem(&event_shares, &cgroup);
	if (!share) {
		first.period = period;
		first.bytes = size;
		bpf_map_update_elem(&event_shares, &cgroup, &first, BPF_ANY);
		return true; /* without room for an entry the ring's own bound is left */
	}
	if (share->period != period) {
		share->period = period;
		share->bytes = 0;
	}
	if (share->bytes + size > EVENTS_SHARE)
		return false;
	__sync_fetch_and_add(&share->bytes, size);
	return true;
}

/* Writes one event of `cgroup`, or counts why not: full is a LOSS_RING_*, share a LOSS_SHARE_*. */
static __always_inline void events__write(void *event, __u32 size, __u64 cgroup, __u32 full,
					  __u32 share)
{
	if (!events__admit(cgroup, size))
		losses__count(share);
	else if (bpf_ringbuf_output(&events, event, size, 0))
		losses__count(full);
}

#endif
