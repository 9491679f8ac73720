/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Looking a value up in the tables of its dimension: what it leaves of the selectors. */
#ifndef GUARDBEE_ENGINE_LOOKUP_H
#define GUARDBEE_ENGINE_LOOKUP_H

#include "bits.h"

/*
 * What stands at a value in the tables: its bitmap; of more than UNROLLED_MAX words the number of its row in
 * `rows`, as many values have the same. A value that is not there, NULL, has none.
 */
static __always_inline const __u64 *value__bits(struct call *call, const __u64 *found)
{
	if (spec.words <= UNROLLED_MAX || !found)
		return found;
	return call__row(call, *found);
}

/* `list`: which of them, where the facet has several. */
static __always_inline const __u64 *number__find(struct call *call, __u32 dim, __u32 list,
						 __u64 value)
{
	struct number_key key = {.dim = dim, .list = list, .value = value};
	void *table = bpf_map_lookup_elem(&numbers, &call->slot);

	return value__bits(call, table ? bpf_map_lookup_elem(table, &key) : NULL);
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

/*
 * The text of an argument. Its beginning is at scratch->prefix.text, its end in scratch->path.text, at
 * TAIL_START or behind it.
 */
struct text {
	__u32 match;		/* enum text_match: what is asked of it */
	__u32 size;		/* bytes of its beginning that are there: TEXT_SIZE at most */
	__u32 longer;		/* it has more than those, so it equals no value */
	__u32 tail_end;		/* where the byte behind its last one is in scratch->path.text */
	__u32 tail_size;	/* bytes before that are there; less than it has where it cannot be told */
	__u32 all;		/* MATCH_SUBSTRING: bytes before that are looked through */
};
#define TAIL_START 8		/* the reversal takes 8 bytes at once, of which the first may be none of it */

/* Where a whole text is read to that is not longer than DATA_SIZE. */
static __always_inline char *text__buffer(struct call *call)
{
	return call->scratch->path.text + TAIL_START;
}

/* What is known of the text of `size` bytes that was read there. */
static __always_inline enum known text__of_buffer(struct call *call, __u32 size, struct text *to)
{
	to->longer = size > TEXT_SIZE;
	to->size = to->longer ? TEXT_SIZE : size;
	to->tail_size = to->all = size;
	to->tail_end = TAIL_START + size;
	bpf_probe_read_kernel(call->scratch->prefix.text, BOUNDED(to->size, TEXT_MASK),
			      text__buffer(call));
	return KNOWN_EXACTLY;
}

/* Leaves what a text that is in no list does. */
static __always_inline void text__match_unlisted(struct call *call, __u32 dim, __u32 match)
{
	if (match & MATCH_PREFIX)
		call__and_facet(call, dim, ROW_OTHERWISE);
	if (match & MATCH_EQUAL)
		call__and_facet(call, dim, ROW_UNEQUAL);
	if (match & MATCH_POSTFIX)
		call__and_facet(call, dim, ROW_UNENDED);
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
	return value__bits(call, table ? bpf_map_lookup_elem(table, &scratch->prefix) : NULL);
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
	return value__bits(call, table && !text.longer ? bpf_map_lookup_elem(table, &scratch->equal) :
							 NULL);
}

/* What the text's end is listed for, or NULL. It takes the place of the text's beginning. */
static __always_inline const __u64 *text__find_postfix(struct call *call, __u32 dim,
						       struct text text)
{
	struct call_scratch *scratch = call->scratch;
	__u32 size = call->table->facets[dim].count, end = text.tail_end;
	__u64 *to = (__u64 *)scratch->prefix.text;
	void *table;

	if (size > text.tail_size)
		size = text.tail_size;
#pragma clang loop unroll(disable)
	for (__u32 word = 0; word < TEXT_SIZE / 8; word++) {
		if (8 * word >= size)
			break;
		end = BOUNDED(end - 8, PATH_SIZE - 1);
		to[word] = __builtin_bswap64(*(__u64 *)(scratch->path.text + end));
	}
	scratch->prefix.dim = dim | PREFIX_REVERSED;
	scratch->prefix.prefix_bits = 8 * (sizeof(scratch->prefix.dim) + size);
	table = bpf_map_lookup_elem(&prefixes, &call->slot);
	return value__bits(call, table ? bpf_map_lookup_elem(table, &scratch->prefix) : NULL);
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
	if (match & MATCH_POSTFIX) {
		bits = text.tail_size ? text__find_postfix(call, dim, text) : NULL;
		if (bits)
			call__and(call, bits);
		else
			call__and_facet(call, dim, ROW_UNENDED);
	}
}

#endif
