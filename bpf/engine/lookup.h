/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking a value up in the tables of its dimension: what it leaves of the selectors. */
#ifndef GUARDBEE_ENGINE_LOOKUP_H
#define GUARDBEE_ENGINE_LOOKUP_H

#include "call.h"

/* `list`: which of them, where the facet has several. */
static __always_inline const __u64 *number__find(struct call *call, __u32 dim, __u32 list,
						 __u64 value)
{
	struct number_key key = {.dim = dim, .list = list, .value = value};
	void *table = bpf_map_lookup_elem(&numbers, &call->slot);

	return table ? bpf_map_lookup_elem(table, &key) : NULL;
}

static __always_inline void number__match(struct call *call, __u32 dim, __u64 value)
{
	const __u64 *bits = number__find(call, dim, 0, value);

	if (bits)
		call__and(call, bits);
	else
		call__and_facet(call, dim, ROW_OTHERWISE);
}

/* Steps of a search through all intervals that a node may have: two for each of its values, and one. */
#define RANGE_STEP_MAX (1u << 16)

/* Leaves what is left in the interval that the number lies in; the first one begins with 0. */
static __always_inline void range__match(struct call *call, __u32 dim, __u64 value)
{
	struct table_facet *facet = &call->table->facets[dim];
	__u32 base = facet->base, count = facet->count, low = base;
	void *table = bpf_map_lookup_elem(&starts, &call->slot);

	if (!table) {
		call__and_none(call); /* cannot be: there is one where a facet is a range */
		return;
	}
#pragma clang loop unroll(disable)
	for (__u32 step = RANGE_STEP_MAX; step > 0; step >>= 1) {
		__u32 at = low + step;
		__u64 *start;

		if (at >= base + count)
			continue;
		start = bpf_map_lookup_elem(table, &at);
		if (start && *start <= value)
			low = at;
	}
	call__and_row(call, low);
}

/* The text of an argument: its beginning is at scratch->prefix.text. */
struct text {
	__u32 size;		/* bytes there: TEXT_SIZE at most */
	__u32 longer;		/* it has more than those, so it equals no value */
};

/* Leaves what a text that is in no list does. */
static __always_inline void text__match_unlisted(struct call *call, __u32 dim, __u32 match)
{
	if (match & MATCH_PREFIX)
		call__and_facet(call, dim, ROW_OTHERWISE);
	if (match & MATCH_EQUAL)
		call__and_facet(call, dim, ROW_UNEQUAL);
}

/* What the text's beginning is listed for, or NULL. */
static __always_inline const __u64 *text__find_prefix(struct call *call, __u32 dim,
						      struct text text)
{
	struct call_scratch *scratch = call->scratch;
	void *table;

	scratch->prefix.dim = dim;
	scratch->prefix.prefix_bits = 8 * (sizeof(scratch->prefix.dim) + text.size);
	table = bpf_map_lookup_elem(&prefixes, &call->slot);
	return table ? bpf_map_lookup_elem(table, &scratch->prefix) : NULL;
}

/* What the whole text is listed for, or NULL. */
static __always_inline const __u64 *text__find_equal(struct call *call, __u32 dim, struct text text)
{
	struct call_scratch *scratch = call->scratch;
	void *table;

	scratch->equal.dim_and_size = dim << 16 | text.size;
	__builtin_memset(scratch->equal.text, 0, TEXT_SIZE);
	bpf_probe_read_kernel(scratch->equal.text, BOUNDED(text.size, TEXT_MASK),
			      scratch->prefix.text);
	table = bpf_map_lookup_elem(&equals, &call->slot);
	return table && !text.longer ? bpf_map_lookup_elem(table, &scratch->equal) : NULL;
}

static __always_inline void text__match(struct call *call, __u32 dim, __u32 match,
					struct text text)
{
	const __u64 *bits;

	if (match & MATCH_PREFIX) {
		bits = text__find_prefix(call, dim, text);
		if (bits)
			call__and(call, bits);
		else
			call__and_facet(call, dim, ROW_OTHERWISE);
	}
	if (match & MATCH_EQUAL) {
		bits = text__find_equal(call, dim, text);
		if (bits)
			call__and(call, bits);
		else
			call__and_facet(call, dim, ROW_UNEQUAL);
	}
}

#endif
