/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a call returns: completes the events that the program at its other end has left waiting. */
#ifndef GUARDBEE_ENGINE_RETURNED_H
#define GUARDBEE_ENGINE_RETURNED_H

#include "engine.h"

/* Takes event `number` out of the map and into the scratch. False: there are no more of this call. */
static __always_inline bool returned__take(struct call *call, __u32 number)
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
	bpf_map_delete_elem(&waiting_events, &key);
	if (size > WAITING_SIZE)
		bpf_map_delete_elem(&waiting_large, &key);
	return from;
}

/* True when selectors are left. What a call returns is a number: nothing else is compared here. */
static __always_inline bool returned__match(struct call *call)
{
	const __u32 count = spec.facet_count;

#pragma clang loop unroll(disable)
	for (__u32 dim = 0; dim < FACETS_MAX && dim < count; dim++) {
		condition__match_number(call, dim);
		if (call__is_empty(call))
			return false;
	}
	return true;
}

/* Sends the event in the scratch, if what the call returned is as its selector asks. */
static __always_inline void returned__complete(struct call *call)
{
	struct call_scratch *scratch = call->scratch;
	__u32 bit = scratch->waiting.bit, word = bit / 64;
	struct action_entry *entry;
	void *table;

	if (scratch->waiting.generation != engine_state.binary_generation[call->slot & 1]) {
		emit__send(call); /* without: policies have changed since, and nobody can tell */
		return;
	}
	if (word >= spec.words)
		return; /* cannot be: the bit is of these tables */
	bits__clear(scratch->left);
	scratch->left[BOUNDED(word, WORDS_MAX - 1)] = 1ULL << (bit & 63);
	call->word = word;
	call->any = 1;
	if (!returned__match(call))
		return;
	table = bpf_map_lookup_elem(&actions, &call->slot);
	entry = table ? bpf_map_lookup_elem(table, &bit) : NULL;
	if (!entry)
		return; /* cannot be: each bit has its entry */
	act__carry_out(call, entry);
	if (call->scratch->outcome & OUTCOME_SILENT || emit__is_limited(call, entry))
		return;
	emit__returned(call, entry);
	emit__send(call);
}

static long returned__step(__u32 number, void *context)
{
	struct call *call = context;

	if (!returned__take(call, number))
		return 1;
	returned__complete(call);
	return 0;
}

/* Of the call whose registers are at `frame`; the program has put what it returned into the scratch. */
static __always_inline void returned__run(struct call *call)
{
	call->table = bpf_map_lookup_elem(&tables, &call->slot);
	if (call->table)
		bpf_loop(MATCHES_MAX, returned__step, call, 0);
}

#endif
