/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a call returns: completes the events that the program at its other end has left waiting. */
#ifndef GUARDBEE_ENGINE_RETURNED_H
#define GUARDBEE_ENGINE_RETURNED_H

#include "engine.h"
#include "take.h"

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

static long returned__compare(__u32 bit, void *context)
{
	struct call *call = context;
	struct hook_event *event = &call->scratch->event;
	struct action_entry *entry = call__entry(call, &bit);

	if (!entry)
		return 1; /* there are no more */
	if (entry->hook != event->hook || entry->selector != event->selector)
		return 0;
	call->scratch->waiting.bit = bit;
	call->at = bit;
	return 1;
}

/*
 * Whether the bit of the selector that matched is known: of tables that came since it is where the same
 * hook of the same policy has its.
 */
static __always_inline bool returned__find_bit(struct call *call)
{
	if (call->scratch->waiting.generation == engine_state.binary_generation[call->slot & 1])
		return true;
	call->at = MATCHES_MAX;
	bpf_loop(64 * spec.words, returned__compare, call, 0);
	return call->at < MATCHES_MAX;
}

/* What is done where the policy has changed since, and nobody can tell what to do. */
static __always_inline void returned__close(struct call *call)
{
	struct call_scratch *scratch = call->scratch;
	struct hook_event *event = &scratch->event;
	__u32 flags = scratch->waiting.flags;

	scratch->said = HOOK_STOPPED;
	if (flags & WAITING_CLOSES && !bpf_send_signal(9)) {
		losses__count(LOSS_RETURN_LATE);
		if (!(event->flags & ~HOOK_PROCESS_UNKNOWN))
			call__count(call, event->hook);
		event->flags |= HOOK_STOPPED;
	} else if (flags & WAITING_SILENT) {
		return;
	}
	emit__send(call);
}

/* Sends the event in the scratch, if what the call returned is as its selector asks. */
static __always_inline void returned__complete(struct call *call)
{
	struct call_scratch *scratch = call->scratch;
	struct hook_event *event = &scratch->event;
	struct action_entry *entry;
	__u32 bit, word;

	if (!returned__find_bit(call)) {
		returned__close(call);
		return;
	}
	bit = scratch->waiting.bit;
	word = bit / 64;
	if (word >= spec.words)
		return; /* cannot be: the bit is of these tables */
	call__left(call)[word] = 1ULL << (bit & 63); /* of several words it is the only one */
	call->word = word;
	call->any = 1;
	if (!returned__match(call))
		return;
	entry = call__entry(call, &bit);
	if (!entry)
		return; /* cannot be: each bit has its entry */
	act__carry_out(call, entry, event->flags & ~HOOK_PROCESS_UNKNOWN);
	event->flags |= scratch->said;
	if (scratch->waiting.flags & WAITING_SILENT || scratch->outcome & OUTCOME_SILENT ||
	    emit__is_limited(call, entry))
		return;
	emit__returned(call, entry);
	emit__send(call);
}

static long returned__step(__u32 number, void *context)
{
	struct call *call = context;

	if (!take__event(call, number))
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
