/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing to the rings, of which no pod may take the room of the others, and in `events` what tells of
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

/* What the current process's owner has of the rings, made now if it has none. NULL without room. */
static __always_inline struct event_share *events__share(void)
{
	__u64 owner = events__owner();
	struct event_share *share = bpf_map_lookup_elem(&event_shares, &owner);
	struct event_share none = {};

	if (share)
		return share;
	bpf_map_update_elem(&event_shares, &owner, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&event_shares, &owner);
}

/* Whether so many bytes more are within the share of a ring of which the agent has read `position` bytes. */
static __always_inline bool ring_share__take(struct ring_share *share, __u64 position, __u32 size)
{
	__u64 period = position / EVENTS_HALF;

	if (share->period != period) {
		share->period = period;
		share->bytes = 0;
	}
	if (share->bytes + size > EVENTS_SHARE)
		return false;
	__sync_fetch_and_add(&share->bytes, size);
	return true;
}

/*
 * Whether an event of the current process may enter the ring, of which `used` bytes are in use. While it
 * is more than half full, each owner may add a sixteenth of it every time that the agent has read half
 * of it.
 */
static __always_inline bool events__admit(__u32 size, __u64 used)
{
	struct event_share *share;

	if (used < EVENTS_HALF)
		return true;
	share = events__share();
	/* without room for an entry the ring's own bound is left */
	return !share || ring_share__take(&share->events,
					  bpf_ringbuf_query(&events, BPF_RB_CONS_POS), size);
}

/* The same of `posts`, if it is crowded still. Not static, so the verifier walks it once. */
__noinline int posts__admit_crowded(__u32 size)
{
	struct event_share *share;

	if (bpf_ringbuf_query(&posts, BPF_RB_AVAIL_DATA) < EVENTS_HALF) {
		posts_state.crowded = 0;
		return 1;
	}
	share = events__share();
	return !share ||
	       ring_share__take(&share->posts, bpf_ringbuf_query(&posts, BPF_RB_CONS_POS), size);
}

#define POSTS_BETWEEN_LOOKS 64 /* to ask how full the ring is costs as much as to write some arguments */

/* The same of `posts`; `count` counts the calls of this. */
static __always_inline bool posts__admit(__u64 *count, __u32 size)
{
	*count += 1;
	if (*count % POSTS_BETWEEN_LOOKS == 0 &&
	    bpf_ringbuf_query(&posts, BPF_RB_AVAIL_DATA) >= EVENTS_HALF)
		posts_state.crowded = 1;
	return !posts_state.crowded || posts__admit_crowded(size);
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

/* Counts an event for which `posts` had no room. */
static __always_inline void posts__full(void)
{
	losses__count(LOSS_RING_POST);
	posts_state.crowded = 1;
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
