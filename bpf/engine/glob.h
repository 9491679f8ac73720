/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts that are as patterns say: one automaton for all of them, of which an entry of `substrings` is the table.
 * From most of its states all bytes but one or two lead to the same: only those have a step of their own. The
 * entry is a struct glob_head, behind it its states, of which 0 is the first, and then the steps, those of
 * one state in between those of others.
 */
#ifndef GUARDBEE_ENGINE_GLOB_H
#define GUARDBEE_ENGINE_GLOB_H

#include "substring.h"

enum glob_limit {
	GLOB_STATES_MAX = 400000,
	GLOB_SIZE_MAX = 1u << 24,
};

struct glob_head {
	__u32 steps;		/* where they begin, in bytes */
	__u32 zero[3];
	__u8 classes[256];	/* of each byte */
};

struct glob_state {
	__u32 first;		/* its step for a byte is that of this number and the byte's class, if it has one there */
	__u32 otherwise;	/* where a byte leads to for which it has none */
	__u32 row;		/* the facet's, for the patterns that a text is as which ends here; 0: none */
	__u32 zero;
};

struct glob_step {
	__u32 of;		/* the state, from 1 */
	__u32 to;
};

struct glob_context {
	struct call_scratch *scratch;
	struct glob_head *head;
};

static __always_inline struct glob_state *glob__state(struct glob_head *head, __u32 state)
{
	__u32 at = sizeof(*head) + state * sizeof(struct glob_state), mask = spec.substring_size - 1;

	return (void *)head + BOUNDED_BY(at, mask & ~(__u32)(sizeof(struct glob_state) - 1));
}

/* The state behind a byte. */
static __always_inline __u32 glob__next(struct glob_head *head, __u32 state, __u8 byte)
{
	struct glob_state *from = glob__state(head, state);
	__u32 at = head->steps + (from->first + head->classes[byte]) * sizeof(struct glob_step);
	__u32 mask = spec.substring_size - 1;
	struct glob_step *step;

	step = (void *)head + BOUNDED_BY(at, mask & ~(__u32)(sizeof(*step) - 1));
	return step->of == state + 1 ? step->to : from->otherwise;
}

static long glob__step(__u32 index, void *context)
{
	const struct glob_context *walk = context;
	struct call_scratch *scratch = walk->scratch;
	__u32 at = scratch->substring.at, end = scratch->substring.end, state = scratch->substring.state;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SUBSTRING_STEP; i++) {
		if (at >= end)
			break;
		state = glob__next(walk->head, state,
				   scratch->path.text[BOUNDED(at, 2 * PATH_SIZE - 1)]);
		at++;
	}
	scratch->substring.at = at;
	scratch->substring.state = state;
	return at >= end;
}

/*
 * Where the automaton of `entry` is behind the text with which a walk was begun: the facet's row for it.
 * Not static: see path__find.
 */
__noinline int glob__row(struct call_scratch *scratch, __u32 slot, __u32 entry)
{
	struct glob_context walk = {.scratch = scratch};

	if (!scratch || !spec.substring_size)
		return 0;
	walk.head = (void *)substring__head(slot, entry);
	if (!walk.head)
		return 0;
	bpf_loop(substring__steps(scratch), glob__step, &walk, 0);
	return glob__state(walk.head, scratch->substring.state)->row;
}

/* Leaves the selectors of which a pattern is met by `text`, and those that do not ask. */
static __always_inline void glob__match(struct call *call, __u32 dim, struct text text)
{
	struct table_facet *facet = &call->table->facets[dim];

	substring__begin(call->scratch, text);
	call__and_row(call, facet->base + glob__row(call->scratch, call->slot, facet->count));
}

#endif
