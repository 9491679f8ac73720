/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing to the ring `events`, of which no pod may take the room of the others, and what tells of
 * processes none of that for what tells of a stop.
 */
#ifndef GUARDBEE_EVENTS_H
#define GUARDBEE_EVENTS_H

#include "scope.h"

#define EVENTS_HALF (RING_SIZE / 2)
#define EVENTS_SHARE (RING_SIZE / 16)
#define EVENTS_KEPT (RING_SIZE / 4) /* for what tells of a stop */

/* Where an event is counted that was not written. */
struct event_losses {
	__u32 full, share, rate;
};

/*
 * Whose share of the ring the current process takes: its pod's, however many cgroups that makes, where
 * pods are below the folder of a QoS class; of other pods the container's. Outside of pods its cgroup's.
 */
static __always_inline __u64 events__owner(void)
{
	__u32 level = scope_state.level;
	__u64 owner = 0;

	if (scope_state.place == PLACE_ROOT &&
	    bpf_get_current_ancestor_cgroup_id(level) == scope_state.root)
		owner = bpf_get_current_ancestor_cgroup_id(level + 2);
	return owner ? owner : bpf_get_current_cgroup_id();
}

static __always_inline __u64 events__used(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
}

/*
 * Whether an event of the current process may enter the ring, of which `used` bytes are in use. While it
 * is more than half full, each owner may add a sixteenth of it every time that the agent has read half
 * of it.
 */
static __always_inline bool events__admit(__u32 size, __u64 used)
{
	struct event_share *share, first = {};
	__u64 period, owner;

	if (used < EVENTS_HALF)
		return true;
	owner = events__owner();
	period = bpf_ringbuf_query(&events, BPF_RB_CONS_POS) / EVENTS_HALF;
	share = bpf_map_lookup_elem(&event_shares, &owner);
	if (!share) {
		first.period = period;
		first.bytes = size;
		bpf_map_update_elem(&event_shares, &owner, &first, BPF_ANY);
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

/* Counts an event that was not admitted, and notes whose it was. */
static __always_inline void events__deny(__u32 loss)
{
	__u64 owner = events__owner();
	struct event_share *share = bpf_map_lookup_elem(&event_shares, &owner);

	losses__count(loss);
	if (share)
		__sync_fetch_and_or(&share->denied, 1ULL << (loss & 63));
}

/* Writes one event that tells of a stop, or counts why not. */
static __always_inline void events__write_stop(void *event, __u32 size)
{
	if (!events__admit(size, events__used()))
		events__deny(LOSS_SHARE_STOP);
	else if (bpf_ringbuf_output(&events, event, size, 0))
		losses__count(LOSS_RING_STOP);
}

/* Whether the pod has had its events of the present interval, where there is a limit. */
static __always_inline bool events__is_over_rate(void)
{
	struct event_rate *rate, first = {};
	__u64 limit = rate_state.events, now, owner;

	if (!limit)
		return false;
	owner = events__owner();
	now = bpf_ktime_get_boot_ns();
	rate = bpf_map_lookup_elem(&event_rates, &owner);
	if (!rate) {
		first.since = now;
		first.count = 1;
		bpf_map_update_elem(&event_rates, &owner, &first, BPF_ANY);
		return false;
	}
	if (now - rate->since >= rate_state.interval) {
		rate->since = now;
		rate->count = 0;
	}
	return __sync_fetch_and_add(&rate->count, 1) >= limit;
}

/* Writes one event about the current process, or its child, or counts why not. */
static __always_inline void events__write(void *event, __u32 size, struct event_losses losses)
{
	const __u64 used = events__used();

	if (events__is_over_rate())
		losses__count(losses.rate);
	else if (used + size > RING_SIZE - EVENTS_KEPT)
		losses__count(losses.full);
	else if (!events__admit(size, used))
		events__deny(losses.share);
	else if (bpf_ringbuf_output(&events, event, size, 0))
		losses__count(losses.full);
}

/* Writes a part of an argv or an environment; they leave half of the ring to events. Whether it did. */
static __always_inline bool events__write_data(void *event, __u32 size)
{
	if (events__used() + size <= EVENTS_HALF && !bpf_ringbuf_output(&events, event, size, 0))
		return true;
	losses__count(LOSS_RING_DATA);
	return false;
}

#define EVENT_LOSSES(kind) \
	((struct event_losses){LOSS_RING_##kind, LOSS_SHARE_##kind, LOSS_RATE_##kind})

#endif
