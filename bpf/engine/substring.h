/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts within a text: one automaton finds all of them in one pass. An entry of `substrings` is a struct
 * substring_head, and behind it for each state and class of bytes the next state; the first state is 0,
 * and those in which some text ends are numbered from 1. Each list of texts, of which a selector has one at
 * most, has rows: of the selectors that have none, then for each such state of those that have one which ends
 * there.
 */
#ifndef GUARDBEE_ENGINE_SUBSTRING_H
#define GUARDBEE_ENGINE_SUBSTRING_H

#include "lookup.h"

enum substring_limit {
	SUBSTRING_LISTS_MAX = 4,	/* conditions of one selector on one argument */
	SUBSTRING_STATES_MAX = 16000,	/* a u16 each; with 128 classes all of them are less than 4 MiB */
	SUBSTRING_SIZE_MAX = 1u << 22,
};

struct substring_head {
	__u32 lists;
	__u32 ends;		/* states in which some text ends */
	__u32 class_bits;	/* there are 2 to the power of that many classes */
	__u32 zero;
	__u8 classes[256];	/* of each byte */
};

#define SUBSTRING_STEP 32u	/* bytes that are looked at at once */

/* On the stack, and never written once the walk has begun. */
struct substring_context {
	struct call_scratch *scratch;
	struct substring_head *head;
	__u32 slot;
	__u32 base;		/* of the list's rows */
};

static __always_inline const __u64 *substring__row(struct substring_context *walk, __u32 index)
{
	void *table = bpf_map_lookup_elem(&rows, &walk->slot);

	return table ? bpf_map_lookup_elem(table, &index) : NULL;
}

/* The automaton of a facet, whose table_facet.count is `entry`; NULL cannot be: each has its own. */
static __always_inline struct substring_head *substring__head(__u32 slot, __u32 entry)
{
	void *table = bpf_map_lookup_elem(&substrings, &slot);

	return table ? bpf_map_lookup_elem(table, &entry) : NULL;
}

/*
 * Where a list's bits are added up: not behind the scratch, whose size alone a function of its own knows. No
 * event is there yet.
 */
static __always_inline __u64 *substring__sum(struct call_scratch *scratch)
{
	return (__u64 *)scratch->args;
}

/* Begins a walk through what `text` has. */
static __always_inline void substring__begin(struct call_scratch *scratch, struct text text)
{
	scratch->substring.at = text.tail_end - text.all;
	scratch->substring.end = text.tail_end;
	scratch->substring.state = 0;
}

static __always_inline __u32 substring__steps(struct call_scratch *scratch)
{
	return (scratch->substring.end - scratch->substring.at + SUBSTRING_STEP - 1) / SUBSTRING_STEP;
}

/* The state behind a byte. */
static __always_inline __u32 substring__next(struct substring_head *head, __u32 state, __u8 byte)
{
	__u32 mask = spec.substring_size - 1, class_bits = head->class_bits & 15;
	__u32 next = sizeof(*head) + 2 * (state << class_bits | head->classes[byte]);

	return *(__u16 *)((char *)head + BOUNDED_BY(next, mask & ~1u));
}

static long substring__step(__u32 index, void *context)
{
	struct substring_context *walk = context;
	struct call_scratch *scratch = walk->scratch;
	__u32 at = scratch->substring.at, end = scratch->substring.end, state = scratch->substring.state;
	__u32 ends = walk->head->ends;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SUBSTRING_STEP; i++) {
		if (at >= end)
			break;
		state = substring__next(walk->head, state,
					scratch->path.text[BOUNDED(at, 2 * PATH_SIZE - 1)]);
		if (state - 1 < ends) {
			const __u64 *row = substring__row(walk, walk->base + state);

			if (row)
				bits__add_all(substring__sum(scratch), row);
		}
		at++;
	}
	scratch->substring.at = at;
	scratch->substring.state = state;
	return at >= end;
}

/*
 * Adds up in substring__sum what one list leaves of the selectors, whose rows begin at `base`, of the text with
 * which a walk was begun. 0: it cannot, which cannot be. Not static: see path__find.
 */
__noinline int substring__add(struct call_scratch *scratch, __u32 slot, __u32 entry, __u32 base)
{
	struct substring_context walk = {.scratch = scratch, .slot = slot, .base = base};
	const __u64 *others;

	if (!scratch || !spec.substring_size)
		return 0;
	walk.head = substring__head(slot, entry);
	others = substring__row(&walk, base);
	if (!walk.head || !others)
		return 0;
	bits__copy_all(substring__sum(scratch), others);
	bpf_loop(substring__steps(scratch), substring__step, &walk, 0);
	return 1;
}

/* Leaves the selectors of which a text is in `text`, of each of their lists. */
static __always_inline void substring__match(struct call *call, __u32 dim, struct text text)
{
	struct table_facet *facet = &call->table->facets[dim];
	struct substring_head *head = substring__head(call->slot, facet->count);
	__u32 base = facet->base, lists = head ? head->lists : 0;

	if (!lists)
		call__and_none(call); /* cannot be: each such facet has its entry */
#pragma clang loop unroll(disable)
	for (__u32 list = 0; list < SUBSTRING_LISTS_MAX && list < lists; list++) {
		substring__begin(call->scratch, text);
		if (!substring__add(call->scratch, call->slot, facet->count, base)) {
			call__and_none(call); /* cannot be: each list has its rows */
			return;
		}
		call__and(call, substring__sum(call->scratch));
		base += 1 + head->ends;
	}
}

#endif
