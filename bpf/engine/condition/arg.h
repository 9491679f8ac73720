/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the call was given: the facets of its arguments. */
#ifndef GUARDBEE_ENGINE_CONDITION_ARG_H
#define GUARDBEE_ENGINE_CONDITION_ARG_H

#include "../arg.h"

/* Leaves the selectors of policies that follow the descriptor, and those that do not ask. */
static __always_inline void arg__match_followed(struct call *call,
						const volatile struct reading *reading)
{
	__u64 file = (__u64)arg__file(call, reading), *groups;
	__u32 base = call->table->follow_base + reading->follow_block * (FOLLOW_GROUPS + 1);
	const __u64 *row;

	groups = file ? bpf_map_lookup_elem(&followed, &file) : NULL;
	row = call__row(call, base);
	if (!row || !groups) {
		call__and_row(call, base);
		return;
	}
	bits__copy(call->scratch->sum, row);
	for (__u32 group = 0; group < FOLLOW_GROUPS; group++) {
		if (!(*groups & (1ULL << group)))
			continue;
		row = call__row(call, base + 1 + group);
		if (row)
			bits__add(call->scratch->sum, row);
	}
	call__and(call, call->scratch->sum);
}

static __always_inline void arg__match_text(struct call *call, const volatile struct reading *reading,
					    __u32 dim)
{
	struct text text;

	if (arg__text(call, reading, &text))
		text__match(call, dim, reading->match, text);
	else
		call__and_absent(call, dim);
}

static __always_inline void arg__match(struct call *call, __u32 number)
{
	const volatile struct reading *reading = &spec.readings[number];
	__u32 dim = DIM_SLOT + number;
	__u64 value;

	if (reading->match & MATCH_FOLLOWED) {
		arg__match_followed(call, reading);
		if (call__is_empty(call))
			return;
	}
	if (reading->match & MATCH_NUMBER) {
		if (arg__number(call, reading, &value))
			number__match(call, dim, value);
		else
			call__and_absent(call, dim);
	}
	if (reading->match & (MATCH_EQUAL | MATCH_PREFIX))
		arg__match_text(call, reading, dim);
}

#endif
