/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bits of a number. Each list of masks, of which a selector has one at most, has MASK_LIST_ROWS rows: of
 * those that have none, then for each hexadecimal digit and each value of it those that ask for a bit
 * which is set there. table_facet.count has the lists above the digits in which some mask has a bit.
 */
#ifndef GUARDBEE_ENGINE_MASK_H
#define GUARDBEE_ENGINE_MASK_H

#include "bits.h"

enum mask_limit {
	MASK_DIGITS = 16,
	MASK_LISTS_MAX = 8,	/* masks that one selector compares an argument with */
	MASK_LIST_ROWS = 1 + 16 * MASK_DIGITS,
};

/* Adds to `sum` the selectors of one list that ask for a bit which `value` has. */
static __always_inline void mask__add(struct call *call, __u32 base, __u32 digits, __u64 value)
{
#pragma clang loop unroll(disable)
	for (__u32 digit = 0; digit < MASK_DIGITS; digit++) {
		__u32 bits = value >> (4 * digit) & 0xf;
		const __u64 *row;

		if (!(digits & (1u << digit)) || bits == 0)
			continue;
		row = call__row(call, base + 1 + 16 * digit + bits);
		if (row)
			bits__add(call, call__sum(call), row);
	}
}

static __always_inline void mask__match(struct call *call, __u32 dim, __u64 value)
{
	struct table_facet *facet = &call->table->facets[dim];
	__u32 base = facet->base, lists = facet->count >> MASK_DIGITS;

#pragma clang loop unroll(disable)
	for (__u32 list = 0; list < MASK_LISTS_MAX && list < lists; list++) {
		const __u64 *others = call__row(call, base);

		if (!others) {
			call__and_none(call); /* cannot be: each list has its rows */
			return;
		}
		bits__copy(call, call__sum(call), others);
		mask__add(call, base, facet->count, value);
		call__and(call, call__sum(call));
		base += MASK_LIST_ROWS;
	}
}

#endif
