/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts that are as patterns say: one automaton for all of them, in `substrings` as those of substring.h.
 * It says at the end of the text which patterns that is as: in states from 1 to `ends` some are met. The
 * facet has a row for where none is, then one for each of those.
 */
#ifndef GUARDBEE_ENGINE_GLOB_H
#define GUARDBEE_ENGINE_GLOB_H

#include "substring.h"

struct glob_context {
	struct call_scratch *scratch;
	struct substring_head *head;
};

static long glob__step(__u32 index, void *context)
{
	const struct glob_context *walk = context;
	struct call_scratch *scratch = walk->scratch;
	__u32 at = scratch->substring.at, end = scratch->substring.end, state = scratch->substring.state;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SUBSTRING_STEP; i++) {
		if (at >= end)
			break;
		state = substring__next(walk->head, state,
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
	__u32 state;

	if (!scratch || !spec.substring_size)
		return 0;
	walk.head = substring__head(slot, entry);
	if (!walk.head)
		return 0;
	bpf_loop(substring__steps(scratch), glob__step, &walk, 0);
	state = scratch->substring.state;
	return state - 1 < walk.head->ends ? state : 0;
}

/* Leaves the selectors of which a pattern is met by `text`, and those that do not ask. */
static __always_inline void glob__match(struct call *call, __u32 dim, struct text text)
{
	struct table_facet *facet = &call->table->facets[dim];

	substring__begin(call->scratch, text);
	call__and_row(call, facet->base + glob__row(call->scratch, call->slot, facet->count));
}

#endif
