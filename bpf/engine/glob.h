/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Texts that are as patterns say: one automaton for all of them, in `substrings` as those of substring.h.
 * It says at the end of the text which patterns that is as: in states from 1 to `ends` some are met. The
 * facet has a row for where none is, then one for each of those.
 */
#ifndef GUARDBEE_ENGINE_GLOB_H
#define GUARDBEE_ENGINE_GLOB_H

#include "substring.h"

static long glob__step(__u32 index, void *context)
{
	const struct substring_context *walk = context;
	struct call_scratch *scratch = walk->call->scratch;
	__u32 at = scratch->substring.at, end = walk->end, state = scratch->substring.state;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SUBSTRING_STEP; i++) {
		if (at >= end)
			break;
		state = substring__next(walk, state,
					scratch->path.text[BOUNDED(at, 2 * PATH_SIZE - 1)]);
		at++;
	}
	scratch->substring.at = at;
	scratch->substring.state = state;
	return at >= end;
}

/* Leaves the selectors of which a pattern is met by `text`, and those that do not ask. */
static __always_inline void glob__match(struct call *call, __u32 dim, struct text text)
{
	struct table_facet *facet = &call->table->facets[dim];
	void *table = bpf_map_lookup_elem(&substrings, &call->slot);
	struct substring_context walk = {.call = call, .end = text.tail_end};
	__u32 entry = facet->count, state;

	walk.head = table ? bpf_map_lookup_elem(table, &entry) : NULL;
	if (!walk.head) {
		call__and_none(call); /* cannot be: each such facet has its entry */
		return;
	}
	call->scratch->substring.at = text.tail_end - text.all;
	call->scratch->substring.state = 0;
	bpf_loop((text.all + SUBSTRING_STEP - 1) / SUBSTRING_STEP, glob__step, &walk, 0);
	state = call->scratch->substring.state;
	call__and_row(call, facet->base + (state - 1 < walk.head->ends ? state : 0));
}

#endif
